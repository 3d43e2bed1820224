# Every alert says what to do first. Each can be met on the first day, whatever was never written (docs/adr/0096):
# - query: PromQL on what metrics.tf counts. Where nothing of it was ever counted, that is nothing, and no reason to be silent.
# - line: one line of the log is enough.
# - above: more than that of what Google itself measures.
locals {
  # A metric that nothing has written to yet may be named, in a query only.
  series = { for name, type in local.types : name => "{\"${type}\", monitored_resource=\"${local.kinds[name]}\"}" }

  requests = { for name in ["api", "collector"] : name => "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${local.name}-${name}\"" }

  reached = { for name, check in { api = google_monitoring_uptime_check_config.api, ingest = google_monitoring_uptime_check_config.ingest } :
  name => "resource.type=\"uptime_url\" AND metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${check.uptime_check_id}\"" }

  # While the network rests (docs/adr/0013), nothing is missing. Every review of the payout says so, ten minutes apart: where
  # two in a row do not, it is not so. A payout that is broken says nothing, and so silences nobody.
  unless_resting = "unless on() (sum(sum_over_time(${local.series.resting}[1500s])) > 0)"

  alerts = {
    calls_fail = {
      title = "Calls of a job fail", severity = "CRITICAL"
      query = "sum by (job_id) (sum_over_time(${local.series.calls}[600s])) > 2"
      first = "What it does is not done meanwhile: nothing is measured, or nothing is paid. First: `gcloud scheduler jobs describe JOB --location ${local.scheduler_region} --format='value(status.code)'`, where JOB is the mail's job_id. 7: its account may not call the function, so apply again. 4: the call took too long. Else the function answered with an error: read its log; after a release, roll back (docs/ops.md)."
    }
    # A first payout may come ten minutes after the apply, and counts of lines ten minutes late: hence what these three wait for
    # beyond their windows. Calls that fail are told long before.
    no_sweep = {
      title = "No sweep for 40 minutes", severity = "CRITICAL", of = ["collector"]
      query = "absent_over_time(${local.series.sweeps}[900s]) ${local.unless_resting}", for_s = 1500
      first = "Nothing is measured, so nothing will be paid for this time. First: is the job paused? `gcloud scheduler jobs describe ${local.name}-collector-0 --location ${local.scheduler_region}`. If it is, somebody is there and it could not be resumed: `gcloud scheduler jobs resume` it, then read the payout's log for `jobs_not_reviewed`. If it runs, read its last error there, then the collector's log."
    }
    no_checks = {
      title = "No run of checks for 40 minutes", severity = "CRITICAL", of = ["prober"]
      query = "absent_over_time(${local.series.runs}[900s]) ${local.unless_resting}", for_s = 1500
      first = "Minutes wait for their check and are paid late, not lost. First: are the jobs ${local.name}-prober-even-0 and -odd-0 paused? Then read the prober's log: an instance that ends for want of memory has too many checks at a time; give it more, or lower checks_per_hour."
    }
    statement_late = {
      title = "No successful payout for an hour", severity = "CRITICAL", of = ["payout"]
      query = "absent_over_time(${local.series.payouts}[2100s])", for_s = 1500
      first = "Statements are late; no token is lost, the next good run settles every epoch in turn. First: is the job ${local.name}-payout paused on purpose? Else read the payout's last error in Logging; it names the stream and the epoch."
    }
    control_wrong = {
      title = "A control node came out wrong", severity = "CRITICAL"
      line  = local.lines.controls
      first = "A good one failed: no failure of that run counts, nobody is hurt. First look whether the control machine relays (its log is in Logging), then whether the ingest does. A bad one passed: the proof is broken. First pause payouts (paused = [\"payout\"], apply), then find out what it served."
    }
    capacity = {
      title = "Checks find no place", severity = "WARNING"
      query = "sum(sum_over_time(${local.series.capacity}[900s])) > 5"
      first = "Such checks are `unknown:capacity`, or `unknown:busy` where the machine was late: nobody loses by them, and minutes wait longer for their check. First read `of` and `checks` of the lines `checks_without_place` in the prober's log. Many, soon over: a flood of newcomers, which may have half of the places and no more. Some in every run: the network has grown. Raise prober_cpus, then prober_partitions (docs/ops.md, Raise the number of nodes)."
    }
    readers = {
      title = "Readers disagree", severity = "WARNING"
      query = "sum(sum_over_time(${local.series.readers}[900s])) > 5"
      first = "Such checks are `unknown:readers`: what we cannot judge at the ingest is held against nobody, and minutes wait longer for their check. First read `stream_ids` of the lines `readers_disagree` in the prober's log. One stream: its publisher sends what a reader of ours cannot read; play it, look at the warnings on its page, and tell the sponsor. All streams: the prober does not get the ingest's streams; look at the ingest's log and at its bandwidth. If it came with a release, roll back (docs/ops.md)."
    }
    late_checks = {
      title = "Late checks were not recorded", severity = "ERROR"
      line  = local.lines.late
      first = "Very long checks and late retests of a run are stored, and not on record. The next runs record them again some minutes later: nothing is lost by one such line. First read `error` of the lines `late_checks_not_recorded` in the prober's log. The store was down: wait. The same error again: the run's document cannot be written; keep the line, and report it. After ten minutes `make verify-schedule` of the day says whether a check is missing."
    }
    roster_full = {
      title = "A roster is nearly full", severity = "WARNING"
      line  = local.lines.roster, every_s = 86400
      first = "Soon nobody who is new will find room: they are told `roster_full` and earn nothing. Who is there stays. First read `nodes` and `percent` of the lines `roster_nearly_full` in the collector's log. Nodes that you expect: raise shards, and prober_partitions with it (docs/ops.md, Raise the number of nodes). A flood of keys that serve nobody: wait, since who is not up gives way to who comes."
    }
    relay_crashed = {
      title = "A relay crashed", severity = "ERROR"
      line  = local.lines.crashes
      first = "Its agent has started it again within a second; who watched it comes back. First read `reason`, `host` and `sha256` of the line `relay_crashed` in the log of that machine. Again and again from one `host`: somebody may have found bytes that it dies of; deny that address in the firewall, keep the lines, and report them (SECURITY.md). Killed for want of memory: the machine is too small, so raise ingest_machine."
    }
    errors = {
      title = "Errors in the log", severity = "WARNING"
      query = "sum(sum_over_time(${local.series.errors}[300s])) > 20"
      first = "First: Logging, severity>=ERROR, grouped by jsonPayload.message. One store that is down makes all functions fail; after a release, roll back (docs/ops.md)."
    }
    failing = {
      title = "The api fails", severity = "ERROR"
      above = {
        filter = "${local.requests.api} AND metric.type=\"run.googleapis.com/request_count\" AND metric.labels.response_code_class=\"5xx\""
        of     = "${local.requests.api} AND metric.type=\"run.googleapis.com/request_count\""
        over   = 0.05, window_s = 300, for_s = 300, align = "ALIGN_RATE", reduce = "REDUCE_SUM"
      }
      first = "More than 5 % of its answers are errors. Nodes keep relaying and keep trying. First: did a release just go out? Roll it back (docs/ops.md). Else look at Firestore's quota and at the api's log."
    }
    api_slow = {
      title = "The api is slow", severity = "WARNING"
      above = { filter = "${local.requests.api} AND metric.type=\"run.googleapis.com/request_latencies\"", over = 5000, window_s = 300, for_s = 600, align = "ALIGN_PERCENTILE_95", reduce = "REDUCE_MAX" }
      first = "One answer in twenty takes more than 5 s. Nodes wait and try again, and lose nothing by it. First look at the dashboard's chart of instances: if the api has as many as it may, raise the max of api_instances. Else look at Firestore's latency, and read the api's log for calls of the store that took long."
    }
    sweeps_slow = {
      title = "Sweeps nearly fill their minute", severity = "WARNING"
      above = { filter = "${local.requests.collector} AND metric.type=\"run.googleapis.com/request_latencies\"", over = 45000, window_s = 600, for_s = 0, align = "ALIGN_PERCENTILE_95", reduce = "REDUCE_MAX" }
      first = "What a sweep cannot ask by the 54th second of its minute is `unknown`, and counts like the minute before. First read `polled`, `outcomes` and `seconds` of the lines `swept` in the collector's log. More than 10,000 nodes a shard: raise shards (docs/ops.md, Raise the number of nodes). Fewer, and most of them down: somebody has announced many nodes that do not answer; it passes when they are dropped."
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
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels
  # Nothing is missing of what ops paused. While the payout is, nobody says whether the network rests.
  enabled = !can(each.value.of) ? true : length(setintersection(var.paused, concat(each.value.of, ["payout"]))) == 0

  dynamic "conditions" {
    for_each = try([each.value.query], [])
    content {
      display_name = each.value.title
      condition_prometheus_query_language {
        query                     = conditions.value
        duration                  = "${try(each.value.for_s, 0)}s"
        evaluation_interval       = "60s"
        disable_metric_validation = true
      }
    }
  }

  dynamic "conditions" {
    for_each = try([each.value.line], [])
    content {
      display_name = each.value.title
      condition_matched_log {
        filter = conditions.value
      }
    }
  }

  dynamic "conditions" {
    for_each = try([each.value.above], [])
    content {
      display_name = each.value.title
      condition_threshold {
        filter             = conditions.value.filter
        denominator_filter = try(conditions.value.of, null)
        comparison         = "COMPARISON_GT"
        threshold_value    = conditions.value.over
        duration           = "${conditions.value.for_s}s"

        aggregations {
          alignment_period     = "${conditions.value.window_s}s"
          per_series_aligner   = conditions.value.align
          cross_series_reducer = conditions.value.reduce
          group_by_fields      = try(conditions.value.by, null)
        }
        dynamic "denominator_aggregations" {
          for_each = try([conditions.value.of], [])
          content {
            alignment_period     = "${conditions.value.window_s}s"
            per_series_aligner   = conditions.value.align
            cross_series_reducer = conditions.value.reduce
          }
        }
      }
    }
  }

  # Lines come and go. An incident that stayed open for the default of seven days would swallow the next one.
  alert_strategy {
    auto_close = "1800s"
    dynamic "notification_rate_limit" {
      for_each = can(each.value.line) ? [1] : [] # any other condition is refused with it
      content {
        period = "${try(each.value.every_s, 3600)}s"
      }
    }
  }

  documentation {
    subject   = each.value.title
    content   = each.value.first
    mime_type = "text/markdown"
  }
  # Whatever is called is there already: what is missing then is missing.
  depends_on = [google_logging_metric.metrics, google_cloud_scheduler_job.jobs]
}
