# The same definitions run locally: emulator/cloud_scheduler reads jobs.json too.
locals {
  schedule = jsondecode(file("${path.module}/jobs.json"))

  # Each part of the prober has a service of its own.
  uris = { for name, job in local.jobs : name => google_cloud_run_v2_service.functions[
  contains(keys(local.deployed), "${job.function}-${job.part}") ? "${job.function}-${job.part}" : job.function].uri }

  # A name with {shard} makes a job for each of them, one with {partition} for each instance of the prober.
  parts = { for name in keys(local.schedule.jobs) : name =>
  strcontains(name, "{shard}") ? var.shards : strcontains(name, "{partition}") ? var.prober_partitions : 1 }
  jobs = merge([for name, job in local.schedule.jobs : {
    for part in range(local.parts[name]) :
    replace(replace(name, "{shard}", part), "{partition}", part) => merge(job, {
      path = replace(replace(job.path, "{shard}", part), "{partition}", part)
      part = tostring(part)
    })
  }]...)

  # As the functions know them. What ops pause, or what settles, is not for them to switch (docs/adr/0013).
  job_names = { for name in keys(local.jobs) : name => "projects/${var.project_id}/locations/${local.scheduler_region}/jobs/${local.name}-${name}" }
  switched = [for name, job in local.jobs : local.job_names[name]
  if contains(["collector", "prober"], job.function) && !contains(var.paused, job.function)]

  # Cloud Scheduler knows no conditions by a job's name, so these reach every job of the project: it holds nothing else.
  switches = {
    resume = { permissions = ["cloudscheduler.jobs.enable", "cloudscheduler.jobs.get"], functions = ["api", "payout"] }
    pause  = { permissions = ["cloudscheduler.jobs.pause"], functions = ["payout"] }
  }
  switchers = merge([for switch, has in local.switches : {
    for function in has.functions : "${function}/${switch}" => { function = function, switch = switch }
  }]...)
}

# The id of a role that was deleted is taken for 37 days. With another one, whoever tears down can deploy again at once.
resource "random_id" "roles" {
  byte_length = 4
}

resource "google_project_iam_custom_role" "switches" {
  for_each = local.switches

  role_id     = "${local.name}_${each.key}_jobs_${random_id.roles.hex}"
  title       = "May ${each.key} jobs"
  description = "Collector and prober are not called while nobody is there"
  permissions = each.value.permissions
  depends_on  = [terraform_data.preflight]
}

resource "google_project_iam_member" "switches" {
  for_each = local.switchers

  project = var.project_id
  role    = "projects/${var.project_id}/roles/${google_project_iam_custom_role.switches[each.value.switch].role_id}"
  member  = google_service_account.functions[each.value.function].member
}

# What ops pause. A job is made anew when that changes for it: only then is it paused or resumed by Terraform, since all else is
# the payout's to switch. So a network at rest has nothing to change.
resource "terraform_data" "paused" {
  for_each = local.jobs

  triggers_replace = contains(var.paused, each.value.function)
}

resource "google_cloud_scheduler_job" "jobs" {
  for_each = local.jobs

  name             = "${local.name}-${each.key}"
  region           = local.scheduler_region
  description      = each.value.description
  schedule         = each.value.schedule
  time_zone        = local.schedule.time_zone
  attempt_deadline = "${each.value.attempt_deadline_s}s"
  paused           = contains(var.paused, each.value.function)

  http_target {
    http_method = "POST"
    uri         = "${local.uris[each.key]}${each.value.path}"
    oidc_token {
      service_account_email = google_service_account.scheduler.email
      audience              = local.uris[each.key]
    }
  }

  retry_config {
    retry_count          = each.value.retry.count
    max_retry_duration   = "0s" # the count decides
    min_backoff_duration = "${each.value.retry.backoff_min_s}s"
    max_backoff_duration = "${each.value.retry.backoff_max_s}s"
    max_doublings        = each.value.retry.doublings_max
  }

  depends_on = [google_cloud_run_v2_service_iam_member.scheduler]

  lifecycle {
    ignore_changes       = [paused]
    replace_triggered_by = [terraform_data.paused[each.key]]
  }
}
