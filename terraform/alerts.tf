# Every alert says what to do first.
locals {
  logged = { for name, metric in google_logging_metric.metrics :
  name => "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${metric.name}\"" }

  requests = { for name in ["api", "payout"] :
  name => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${google_cloudfunctions2_function.functions[name].name}\" AND metric.type=\"run.googleapis.com/request_count\"" }

  reached = { for name, check in { api = google_monitoring_uptime_check_config.api, ingest = google_monitoring_uptime_check_config.ingest } :
  name => "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${check.uptime_check_id}\"" }

  # While the network rests (docs/adr/0013), nothing is missing: the payout's reviews, ten minutes apart, say whether it does.
  awake = { filter = local.logged.awake, over = 0, window_s = 720 }

  # absent: nothing of it for so long. above: more of it than that in each window. Both, where an alert has both.
  alerts = {
    no_sweep = {
      title  = "No sweep for 5 minutes", severity = "CRITICAL"
      absent = { filter = local.logged.sweeps, for_s = 300 }
      above  = local.awake
      first  = "Nothing is measured, so nothing will be paid for this time. First: is the job paused? `gcloud scheduler jobs describe ${local.name}-collector-0 --location ${var.region}`. If it is, somebody is there and it could not be resumed: `gcloud scheduler jobs resume` it, then read the payout's log for `jobs_not_reviewed`. If it runs, read its last error there, then the collector's log."
    }
    no_checks = {
      title  = "No run of checks for 30 minutes", severity = "CRITICAL"
      absent = { filter = local.logged.runs, for_s = 1800 }
      above  = local.awake
      first  = "Minutes wait for their check and are paid late, not lost. First: are the jobs ${local.name}-prober-even-0 and -odd-0 paused? Then read the prober's log: an instance that ends for want of memory has too many checks at a time; give it more, or lower checks_per_hour."
    }
    control_wrong = {
      title = "A control node came out wrong", severity = "CRITICAL"
      above = { filter = local.logged.controls, over = 0, window_s = 300 }
      first = "A good one failed: no failure of that run counts, nobody is hurt. First look whether the control machine relays (its log is in Logging), then whether the ingest does. A bad one passed: the proof is broken. First pause payouts (paused = [\"payout\"], apply), then find out what it served."
    }
    capacity = {
      title = "Checks find no place", severity = "WARNING"
      above = { filter = local.logged.capacity, over = 5, window_s = 900 }
      first = "Such checks are `unknown:capacity`, or `unknown:busy` where the machine was late: nobody loses by them, and minutes wait longer for their check. First read `of` and `checks` of the lines `checks_without_place` in the prober's log. Many, soon over: a flood of newcomers, which may have half of the places and no more. Some in every run: the network has grown. Raise prober_cpus, then prober_partitions (docs/ops.md, How many nodes)."
    }
    readers = {
      title = "Readers disagree", severity = "WARNING"
      above = { filter = local.logged.readers, over = 5, window_s = 900 }
      first = "Such checks are `unknown:readers`: what we cannot judge at the ingest is held against nobody, and minutes wait longer for their check. First read `stream_ids` of the lines `readers_disagree` in the prober's log. One stream: its publisher sends what a reader of ours cannot read; play it, look at the warnings on its page, and tell the sponsor. All streams: the prober does not get the ingest's streams; look at the ingest's log and at its bandwidth. If it came with a release, roll back (docs/ops.md)."
    }
    late_checks = {
      title = "Late checks were not recorded", severity = "ERROR"
      above = { filter = local.logged.late, over = 0, window_s = 300 }
      first = "Very long checks and late retests of a run are stored, and not on record. The next runs record them again some minutes later: nothing is lost by one such line. First read `error` of the lines `late_checks_not_recorded` in the prober's log. The store was down: wait. The same error again: the run's document cannot be written; keep the line, and report it. After ten minutes `make verify-schedule` of the day says whether a check is missing."
    }
    errors = {
      title = "Errors in the log", severity = "WARNING"
      above = { filter = local.logged.errors, over = 20, window_s = 300 }
      first = "First: Logging, severity>=ERROR, grouped by jsonPayload.message. One store that is down makes all functions fail; after a release, roll back (docs/ops.md)."
    }
    # The payout answers 2xx when nothing is due any more, whether it settled something or not.
    statement_late = {
      title  = "No successful payout for an hour", severity = "CRITICAL"
      absent = { filter = "${local.requests.payout} AND metric.labels.response_code_class=\"2xx\"", for_s = 3600 }
      first  = "Statements are late; no token is lost, the next good run settles every epoch in turn. First: is the job ${local.name}-payout paused on purpose? Else read the payout's last error in Logging; it names the stream and the epoch."
    }
    failing = {
      title = "The api fails", severity = "ERROR"
      above = { filter = "${local.requests.api} AND metric.labels.response_code_class=\"5xx\"", of = local.requests.api, over = 0.05, window_s = 300, for_s = 300, align = "ALIGN_RATE" }
      first = "More than 5 % of its answers are errors. Nodes keep relaying and keep trying. First: did a release just go out? Roll it back (docs/ops.md). Else look at Firestore's quota and at the api's log."
    }
    api_down = {
      title = "The api is down", severity = "CRITICAL"
      above = merge(local.unreached, { filter = local.reached.api })
      first = "It is not reached from two places. First: open /health yourself. If it answers, look at the region's status page; else roll back the last release (docs/ops.md)."
    }
    ingest_down = {
      title = "The ingest is down", severity = "CRITICAL"
      above = merge(local.unreached, { filter = local.reached.ingest })
      first = "No stream reaches anybody; checks are `unknown` and nobody is penalised. First: is the group's machine being replaced? `gcloud compute instance-groups managed list-instances ${local.name}-ingest --zone ${var.region}-b`. A machine that is well but not reached: read its log in Logging."
    }
  }
  unreached = { over = 1, window_s = 300, for_s = 120, align = "ALIGN_NEXT_OLDER", reduce = "REDUCE_COUNT_FALSE", by = ["resource.label.host"] }

  channels = [for channel in google_monitoring_notification_channel.emails : channel.id]
}

resource "google_monitoring_notification_channel" "emails" {
  for_each = var.alert_emails

  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
  depends_on   = [terraform_data.preflight]
}

resource "google_monitoring_alert_policy" "alerts" {
  for_each = local.alerts

  display_name          = each.value.title
  combiner              = "AND"
  severity              = each.value.severity
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = [for absent in [try(each.value.absent, null)] : absent if absent != null]
    content {
      display_name = "${each.value.title}: missing"
      condition_absent {
        filter   = conditions.value.filter
        duration = "${conditions.value.for_s}s"
        aggregations {
          alignment_period     = "60s"
          per_series_aligner   = "ALIGN_DELTA"
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  dynamic "conditions" {
    for_each = [for above in [try(each.value.above, null)] : above if above != null]
    content {
      display_name = "${each.value.title}: too many, or awake"
      condition_threshold {
        filter             = conditions.value.filter
        denominator_filter = try(conditions.value.of, null)
        comparison         = "COMPARISON_GT"
        threshold_value    = conditions.value.over
        duration           = "${try(conditions.value.for_s, 0)}s"

        aggregations {
          alignment_period     = "${conditions.value.window_s}s"
          per_series_aligner   = try(conditions.value.align, "ALIGN_DELTA")
          cross_series_reducer = try(conditions.value.reduce, "REDUCE_SUM")
          group_by_fields      = try(conditions.value.by, null)
        }
        dynamic "denominator_aggregations" {
          for_each = try([conditions.value.of], [])
          content {
            alignment_period     = "${conditions.value.window_s}s"
            per_series_aligner   = conditions.value.align
            cross_series_reducer = "REDUCE_SUM"
          }
        }
      }
    }
  }

  documentation {
    subject   = each.value.title
    content   = each.value.first
    mime_type = "text/markdown"
  }
  depends_on = [time_sleep.metrics]
}
