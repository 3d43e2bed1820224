locals {
  name = "restream"

  # Where Cloud Run, Artifact Registry, Firestore and machines all are, by Google's pages of locations as of November 2026.
  regions = [
    "africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1",
    "asia-south2", "asia-southeast1", "asia-southeast2", "australia-southeast1", "australia-southeast2", "europe-central2",
    "europe-north1", "europe-southwest1", "europe-west1", "europe-west2", "europe-west3", "europe-west4", "europe-west6",
    "europe-west8", "europe-west9", "europe-west10", "europe-west12", "me-central1", "me-west1", "northamerica-northeast1",
    "northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5",
    "us-south1", "us-west1", "us-west2", "us-west3", "us-west4",
  ]

  # Where Cloud Scheduler is: by docs.cloud.google.com/scheduler/docs/locations and its release notes up to September 24, 2026
  # (in 2026 europe-west4, me-central1 and me-west1 came in April; asia-south2, europe-west12 and northamerica-northeast2 in
  # September). Others may have it by now: `gcloud scheduler locations list` knows, and scheduler_region takes any region.
  scheduler_regions = [
    "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3", "asia-south1", "asia-south2",
    "asia-southeast1", "asia-southeast2", "australia-southeast1", "europe-central2", "europe-west1", "europe-west2",
    "europe-west3", "europe-west4", "europe-west6", "europe-west12", "me-central1", "me-west1", "northamerica-northeast1",
    "northamerica-northeast2", "southamerica-east1", "us-central1", "us-east1", "us-east4", "us-west1", "us-west2", "us-west3",
    "us-west4",
  ]
  scheduler_region = coalesce(var.scheduler_region, var.region)

  # The bucket knows the project's number, so nothing has to be read from the cloud to make a plan.
  project_number = google_storage_bucket.archives.project_number

  # Cloud Run's address of a service is known before the service is: the api needs its own in links.
  api_url    = "https://${local.name}-api-${local.project_number}.${var.region}.run.app"
  ingest_url = "rtmp://${google_compute_address.ingest.address}:1935/live"
}
