# One identity for each part. Each is granted what it needs beside the resource it needs it on; nothing has a project-wide
# role but to write logs and to reach one database.
resource "google_service_account" "functions" {
  for_each = local.access

  account_id   = "${local.name}-${each.key}"
  display_name = "Function ${each.key}"
  depends_on   = [terraform_data.preflight]
}

resource "google_service_account" "scheduler" {
  account_id   = "${local.name}-scheduler"
  display_name = "Cloud Scheduler's jobs: may call collector, prober and payout"
  depends_on   = [terraform_data.preflight]
}

resource "google_service_account" "machines" {
  for_each = local.machines

  account_id   = "${local.name}-${each.key}"
  display_name = "Machine ${each.key}"
  depends_on   = [terraform_data.preflight]
}

resource "google_service_account" "builder" {
  account_id   = "${local.name}-builder"
  display_name = "Builds images"
  depends_on   = [terraform_data.preflight]
}

resource "google_project_iam_member" "logs" {
  for_each = merge(google_service_account.machines, { builder = google_service_account.builder })

  project    = var.project_id
  role       = "roles/logging.logWriter"
  member     = each.value.member
  depends_on = [terraform_data.preflight]
}
