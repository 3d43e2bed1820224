locals {
  charts = concat(
    [for name, metric in local.metrics : {
      title  = metric.says
      filter = "resource.type=\"${local.kinds[name]}\" AND metric.type=\"${local.types[name]}\""
      align  = "ALIGN_DELTA"
      by     = []
    }],
    [
      {
        title  = "Requests by function and answer"
        filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"run.googleapis.com/request_count\""
        align  = "ALIGN_RATE"
        by     = ["resource.label.service_name", "metric.label.response_code_class"]
      },
      {
        title  = "Instances"
        filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"run.googleapis.com/container/instance_count\""
        align  = "ALIGN_MAX"
        by     = ["resource.label.service_name"]
      },
      {
        title  = "Documents written"
        filter = "resource.type=\"firestore.googleapis.com/Database\" AND metric.type=\"firestore.googleapis.com/document/write_ops_count\""
        align  = "ALIGN_RATE"
        by     = ["resource.label.database_id"]
      },
      {
        title  = "Bytes sent by the ingest"
        filter = "resource.type=\"gce_instance\" AND metric.type=\"compute.googleapis.com/instance/network/sent_bytes_count\""
        align  = "ALIGN_RATE"
        by     = ["metric.label.instance_name"]
      },
    ],
  )
}

resource "google_monitoring_dashboard" "network" {
  dashboard_json = jsonencode({
    displayName = "Restreaming network"
    mosaicLayout = {
      columns = 12
      tiles = [for i, chart in local.charts : {
        width  = 4
        height = 4
        xPos   = (i % 3) * 4
        yPos   = floor(i / 3) * 4
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = chart.filter
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = chart.align
                    crossSeriesReducer = "REDUCE_SUM"
                    groupByFields      = chart.by
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })
  depends_on = [google_logging_metric.metrics]
}
