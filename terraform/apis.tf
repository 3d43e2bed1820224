# Everything else depends on these, directly or through what it refers to.
locals {
  # Terraform reads projects and their services through these two, so they come before all others.
  first_apis = toset(["cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"])
}

resource "google_project_service" "first" {
  for_each = local.first_apis

  service            = each.key
  disable_on_destroy = false # Terraform itself needs them until the end
}

resource "google_project_service" "apis" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ])

  service            = each.key
  disable_on_destroy = false # others in the project may use it, and data would become unreachable
  depends_on         = [google_project_service.first]
}

# An API that was just enabled refuses calls for a while, and its service agent gets its role meanwhile.
resource "time_sleep" "apis" {
  create_duration = "60s"
  triggers        = { apis = join(" ", sort(keys(google_project_service.apis))) }
}
