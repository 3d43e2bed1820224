# One repository for the images of the functions and of the node. Tags can be moved: an image with one that cannot be moved
# could not be deleted either. What runs is named by digest, and the builder alone writes.
resource "google_artifact_registry_repository" "images" {
  location      = var.region
  repository_id = "${local.name}-images"
  description   = "Images of the functions and of the node, tagged by the hash of their source"
  format        = "DOCKER"

  # The last ten of each image stay, and all others for 90 days.
  cleanup_policies {
    id     = "keep-the-last"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "drop-the-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "7776000s" # 90 days
    }
  }
  cleanup_policy_dry_run = false
  depends_on             = [terraform_data.preflight]
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

resource "google_artifact_registry_repository_iam_member" "machines" {
  for_each = google_service_account.machines

  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = each.value.member
}
