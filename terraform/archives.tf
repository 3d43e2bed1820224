# What images are built from: an allow-list of files, laid out as in the repository, so that build-image.sh and the Dockerfiles
# find there what they find here. A file that is not source (a cache, an editor's copy, a key) cannot get in.
locals {
  staging = "staging" # of builds, in the archives' bucket
  root    = "${path.module}/.."

  rtmp = fileset(local.root, "rtmp/**/*.py")

  # What each image is made of, and so what decides its tag.
  image_files = merge(
    # A function's own package, the rules and the adapters.
    { for name in ["api", "collector", "payout", "prober"] : name => setunion(
      ["build-image.sh", "functions/Dockerfile", "functions/${name}/requirements.txt"],
      local.rtmp,
      fileset(local.root, "functions/{coordinator,${name}}/**/*.{py,html,css,js,svg}"),
      fileset(local.root, "functions/${name}/**/swagger_ui/*.txt"), # licences
    ) },
    { node = setunion(
      ["build-image.sh", "node_image/Dockerfile", "node_image/requirements.txt"],
      local.rtmp,
      fileset(local.root, "node_image/agent/**/*.{py,css,js}"),
    ) },
  )
}

# One for all images. build-image.sh reads the version in pyproject.toml, which decides no image.
data "archive_file" "source" {
  type        = "zip"
  output_path = "${path.module}/.build/source.zip"

  dynamic "source" {
    for_each = setunion(["pyproject.toml"], values(local.image_files)...)
    content {
      filename = source.value
      content  = file("${local.root}/${source.value}")
    }
  }
}

resource "google_storage_bucket" "archives" {
  name                        = "${var.project_id}-restream-archives"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # its old versions would keep it; all of them can be made again

  versioning {
    enabled = true
  }

  # Images outlive what they were built from: an archive that was replaced is never read again, and can be made again.
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
    }
    action {
      type = "Delete"
    }
  }

  # Copies that Cloud Build has read.
  lifecycle_rule {
    condition {
      age            = 7
      matches_prefix = ["${local.staging}/"]
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [terraform_data.preflight]
}

# Named by its content: a change of source is a new object. Nobody reads it where all images are given.
resource "google_storage_bucket_object" "source" {
  count = length(local.builds) > 0 ? 1 : 0

  name           = "source-${substr(data.archive_file.source.output_sha256, 0, 16)}.zip"
  bucket         = google_storage_bucket.archives.name
  source         = data.archive_file.source.output_path
  source_md5hash = data.archive_file.source.output_md5
}

resource "google_storage_bucket_iam_member" "builder" {
  bucket = google_storage_bucket.archives.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.builder.member
}
