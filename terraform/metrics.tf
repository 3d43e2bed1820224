# The functions write one JSON line per outcome; these count them.
locals {
  metrics = {
    sweeps   = { of = "collector", filter = "jsonPayload.message=\"swept\" AND jsonPayload.result=\"swept\"", says = "Sweeps recorded" }
    runs     = { of = "prober", filter = "jsonPayload.message=\"checked\" AND jsonPayload.result=\"run\"", says = "Runs of checks recorded" }
    controls = { of = "prober", filter = "jsonPayload.message=\"control_node_wrong\"", says = "Control nodes that came out wrong" }
    capacity = { of = "prober", filter = "jsonPayload.message=\"checks_without_place\"", says = "Runs in which checks found no place" }
    readers  = { of = "prober", filter = "jsonPayload.message=\"readers_disagree\"", says = "Runs with checks that our readers could not agree on" }
    late     = { of = "prober", filter = "jsonPayload.message=\"late_checks_not_recorded\"", says = "Runs whose late checks were not recorded" }
    awake    = { of = "payout", filter = "jsonPayload.message=\"jobs_reviewed\" AND jsonPayload.state!=\"resting\"", says = "Reviews that found the network measured" }
    settled  = { of = "payout", filter = "jsonPayload.message=\"epoch_settled\"", says = "Epochs settled" }
    errors   = { of = null, filter = "severity>=ERROR", says = "Errors of any function" }
  }
}

resource "google_logging_metric" "metrics" {
  for_each = local.metrics

  name        = "${local.name}/${each.key}"
  description = each.value.says
  filter = join(" AND ", [
    "resource.type=\"cloud_run_revision\"",
    each.value.of == null ? "resource.labels.service_name=~\"^${local.name}-\"" : "resource.labels.service_name=~\"^${local.name}-${each.value.of}(-[0-9]+)?$\"",
    each.value.filter,
  ])

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = "INT64"
    unit         = "1"
    display_name = each.value.says
  }
  depends_on = [terraform_data.preflight]
}

# An alert cannot name a metric that Monitoring has not heard of yet.
resource "time_sleep" "metrics" {
  create_duration = "120s"
  triggers        = { metrics = join(" ", [for metric in google_logging_metric.metrics : metric.name]) }
}
