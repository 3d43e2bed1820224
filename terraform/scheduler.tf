# The same definitions run locally: emulator/cloud_scheduler reads jobs.json too.
locals {
  schedule = jsondecode(file("${path.module}/jobs.json"))

  targets = {
    collector = google_cloudfunctions2_function.functions["collector"].service_config[0].uri
    payout    = google_cloudfunctions2_function.functions["payout"].service_config[0].uri
    prober    = google_cloud_run_v2_service.prober.uri
  }

  # A name with {shard} makes a job for each of them.
  jobs = merge([for name, job in local.schedule.jobs : {
    for shard in range(strcontains(name, "{shard}") ? var.shards : 1) :
    replace(name, "{shard}", shard) => merge(job, { path = replace(job.path, "{shard}", shard) })
  }]...)
}

resource "google_cloud_scheduler_job" "jobs" {
  for_each = local.jobs

  name             = "${local.name}-${each.key}"
  region           = var.region
  description      = each.value.description
  schedule         = each.value.schedule
  time_zone        = local.schedule.time_zone
  attempt_deadline = "${each.value.attempt_deadline_s}s"
  paused           = contains(var.paused, each.value.function)

  http_target {
    http_method = "POST"
    uri         = "${local.targets[each.value.function]}${each.value.path}"
    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.targets[each.value.function]
    }
  }

  retry_config {
    retry_count          = each.value.retry.count
    max_retry_duration   = "0s" # the count decides
    min_backoff_duration = "${each.value.retry.backoff_min_s}s"
    max_backoff_duration = "${each.value.retry.backoff_max_s}s"
    max_doublings        = each.value.retry.doublings_max
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler, google_cloud_run_v2_service_iam_member.prober]
}
