# Every alert says what to do first.
locals {
  # How long something must not have happened.
  absences = {
    no_sweep = {
      title = "No sweep for 5 minutes", metric = "sweeps", duration_s = 300, severity = "CRITICAL"
      first = "Nothing is measured, so nothing will be paid for this time. First: is the job paused? `gcloud scheduler jobs describe ${local.name}-collector-0 --location ${var.region}`. If it runs, read its last error there, then the collector's log. A paused job on an idle network is as it should be: resume it when a stream begins."
    }
    no_checks = {
      title = "No run of checks for 30 minutes", metric = "runs", duration_s = 1800, severity = "CRITICAL"
      first = "Minutes wait for their check and are paid late, not lost. First: is the job ${local.name}-prober paused? Then read the prober's log: an instance that ends for want of memory has too many checks at a time; give it more, or lower checks_per_hour."
    }
  }

  # Something that must not happen, counted in five minutes.
  events = {
    control_wrong = {
      title = "A control node came out wrong", metric = "controls", above = 0, severity = "CRITICAL"
      first = "A good one failed: no failure of that run counts, nobody is hurt. First look whether the control machine relays (`docker logs good` on its serial console or in Logging), then whether the ingest does. A bad one passed: the proof is broken. First pause payouts (paused = [\"payout\"], apply), then find out what it served."
    }
    errors = {
      title = "Errors in the log", metric = "errors", above = 20, severity = "WARNING"
      first = "First: Logging, severity>=ERROR, grouped by jsonPayload.message. One store that is down makes all functions fail; after a release, roll back (docs/ops.md)."
    }
  }
}

resource "google_monitoring_notification_channel" "emails" {
  for_each = var.alert_emails

  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
  depends_on   = [google_project_service.apis]
}

locals {
  channels = [for channel in google_monitoring_notification_channel.emails : channel.id]
}

resource "google_monitoring_alert_policy" "absences" {
  for_each = local.absences

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_absent {
      filter   = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.metrics[each.value.metric].name}\""
      duration = "${each.value.duration_s}s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    subject   = each.value.title
    content   = each.value.first
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "events" {
  for_each = local.events

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.metrics[each.value.metric].name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "0s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    subject   = each.value.title
    content   = each.value.first
    mime_type = "text/markdown"
  }
}

# The payout answers 2xx when nothing is due any more, whether it settled something or not.
resource "google_monitoring_alert_policy" "statement_late" {
  display_name          = "No successful payout for an hour"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "No successful payout for an hour"
    condition_absent {
      filter   = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloudfunctions2_function.functions["payout"].name}\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"2xx\""
      duration = "3600s"
      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    subject   = "Statements are late"
    content   = "Statements are late; no token is lost, the next good run settles every epoch in turn. First: is the job ${local.name}-payout paused on purpose? Else read the payout's last error in Logging; it names the stream and the epoch."
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "failing" {
  display_name          = "The api fails"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels

  conditions {
    display_name = "More than 5 % of answers are 5xx"
    condition_threshold {
      filter             = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloudfunctions2_function.functions["api"].name}\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
      denominator_filter = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloudfunctions2_function.functions["api"].name}\" AND metric.type=\"run.googleapis.com/request_count\""
      comparison         = "COMPARISON_GT"
      threshold_value    = 0.05
      duration           = "300s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
      denominator_aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    subject   = "The api fails"
    content   = "Nodes keep relaying and keep trying. First: did a release just go out? Roll it back (docs/ops.md). Else look at Firestore's quota and at the api's log."
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "down" {
  for_each = { api = google_monitoring_uptime_check_config.api.uptime_check_id, ingest = google_monitoring_uptime_check_config.ingest.uptime_check_id }

  display_name          = "The ${each.key} is down"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "The ${each.key} is not reached from two places"
    condition_threshold {
      filter          = "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${each.value}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "120s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }
  documentation {
    subject = "The ${each.key} is down"
    content = each.key == "api" ? "First: open /healthz yourself. If it answers, look at the region's status page; else roll back the last release (docs/ops.md)." : (
    "No stream reaches anybody; checks are `unknown` and nobody is penalised. First: is the group's machine being replaced? `gcloud compute instance-groups managed list-instances ${local.name}-ingest --zone ${var.region}-b`. A machine that is well but not reached: read its log in Logging.")
    mime_type = "text/markdown"
  }
}
