# What is looked for in the log. The functions write one JSON line per outcome, the agents on the machines likewise, and Cloud
# Scheduler one for each call that failed. Each entry is a filter: it is counted, and alerts hang on it (alerts.tf).
locals {
  # Whose lines. A machine's agent writes what Container-Optimized OS hands on as it is.
  writers = merge(
    { for name in ["collector", "payout", "prober"] :
    name => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${local.name}-${name}(-[0-9]+)?$\"" },
    {
      functions = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${local.name}-\""
      jobs      = "resource.type=\"cloud_scheduler_job\" AND resource.labels.job_id=~\"^${local.name}-\""
      machines  = "resource.type=\"gce_instance\" AND logName=\"projects/${var.project_id}/logs/cos_containers\""
    },
  )

  metrics = {
    sweeps   = { of = "collector", filter = "jsonPayload.message=\"swept\" AND jsonPayload.result=\"swept\"", says = "Sweeps recorded" }
    roster   = { of = "collector", filter = "jsonPayload.message=\"roster_nearly_full\"", says = "Sweeps of a roster that is nearly full" }
    runs     = { of = "prober", filter = "jsonPayload.message=\"checked\" AND jsonPayload.result=\"run\"", says = "Runs of checks recorded" }
    controls = { of = "prober", filter = "jsonPayload.message=\"control_node_wrong\"", says = "Control nodes that came out wrong" }
    capacity = { of = "prober", filter = "jsonPayload.message=\"checks_without_place\"", says = "Runs in which checks found no place" }
    readers  = { of = "prober", filter = "jsonPayload.message=\"readers_disagree\"", says = "Runs with checks that our readers could not agree on" }
    late     = { of = "prober", filter = "jsonPayload.message=\"late_checks_not_recorded\"", says = "Runs whose late checks were not recorded" }
    payouts  = { of = "payout", filter = "jsonPayload.message=\"payout_ended\" AND jsonPayload.result=\"done\"", says = "Calls of the payout that left nothing undone" }
    resting  = { of = "payout", filter = "jsonPayload.message=\"jobs_reviewed\" AND jsonPayload.state=\"resting\"", says = "Reviews that found nobody to measure" }
    settled  = { of = "payout", filter = "jsonPayload.message=\"epoch_settled\"", says = "Epochs settled" }
    errors   = { of = "functions", filter = "severity>=ERROR", says = "Errors of any function" }
    calls    = { of = "jobs", filter = "severity>=ERROR", says = "Calls of jobs that failed" }
    crashes  = { of = "machines", filter = "jsonPayload.event=\"relay_crashed\"", says = "Crashes of a relay" }
  }

  # Whole filters, and what Monitoring calls the time series of what they count.
  lines = { for name, metric in local.metrics : name => "${local.writers[metric.of]} AND ${metric.filter}" }
  kinds = { for name, metric in local.metrics : name => regex("resource.type=\"([a-z_]+)\"", local.writers[metric.of])[0] }
  types = { for name in keys(local.metrics) : name => "logging.googleapis.com/user/${local.name}/${name}" }
}

resource "google_logging_metric" "metrics" {
  for_each = local.metrics

  name        = trimprefix(local.types[each.key], "logging.googleapis.com/user/")
  description = each.value.says
  filter      = local.lines[each.key]

  metric_descriptor {
    metric_kind  = "DELTA"
    value_type   = "INT64"
    unit         = "1"
    display_name = each.value.says
  }
  depends_on = [terraform_data.preflight]
}
