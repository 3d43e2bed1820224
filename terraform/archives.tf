# What each function and each image is made of: an allow-list of packages, laid out file by file (links are not followed).
# A file that is not source (a cache, an editor's copy) cannot get in.
locals {
  staging = "staging" # of builds, in the archives' bucket

  functions_root = "${path.module}/../functions"
  node_root      = "${path.module}/../node_image"
  rtmp_root      = "${path.module}/../rtmp"

  rtmp = { for file in fileset(local.rtmp_root, "**/*.py") : "rtmp/${file}" => "${local.rtmp_root}/${file}" }

  # Each function's own package, the rules and the adapters.
  packages = { for name in ["api", "collector", "payout", "prober"] : name =>
    { for file in setunion(
      fileset(local.functions_root, "{coordinator,${name}}/**/*.{py,html,css,js,svg}"),
      fileset(local.functions_root, "${name}/**/swagger_ui/*.txt"), # licences
      ) :
      file => "${local.functions_root}/${file}" if !strcontains(file, "__pycache__")
    }
  }

  archives = merge(
    # A function's main.py and its requirements stand at the root.
    { for name in ["api", "collector", "payout"] : name => merge(
      local.rtmp,
      { for file, path in local.packages[name] : file == "${name}/main.py" ? "main.py" : file => path },
      { "requirements.txt" = "${local.functions_root}/${name}/requirements.txt" },
    ) },
    # A Dockerfile stands at the root, and finds the rest where it is in the repository.
    {
      prober = merge(
        local.rtmp,
        { "Dockerfile" = "${local.functions_root}/Dockerfile" },
        { for file, path in local.packages.prober : "functions/${file}" => path },
        { "functions/prober/requirements.txt" = "${local.functions_root}/prober/requirements.txt" },
      )
      node = merge(
        local.rtmp,
        { "Dockerfile" = "${local.node_root}/Dockerfile" },
        { for file in setunion(["requirements.txt"], fileset(local.node_root, "agent/**/*.{py,css,js}")) :
          "node_image/${file}" => "${local.node_root}/${file}" if !strcontains(file, "__pycache__")
        },
      )
    },
  )
}

data "archive_file" "source" {
  for_each = local.archives

  type        = "zip"
  output_path = "${path.module}/.build/${each.key}.zip"

  dynamic "source" {
    for_each = each.value
    content {
      filename = source.key
      content  = file(source.value)
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
  # The last versions stay for a rollback; what a function was built from is never read again.
  lifecycle_rule {
    condition {
      num_newer_versions = 3
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

# Named by its content: a change of source is a new object, and only then is anything deployed.
resource "google_storage_bucket_object" "source" {
  for_each = data.archive_file.source

  name           = "${each.key}-${substr(each.value.output_sha256, 0, 16)}.zip"
  bucket         = google_storage_bucket.archives.name
  source         = each.value.output_path
  source_md5hash = each.value.output_md5
}

resource "google_storage_bucket_iam_member" "builder" {
  bucket = google_storage_bucket.archives.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.builder.member
}

# Cloud Functions hands a function's archive to Cloud Build in a bucket of its own, which it makes with the first function.
resource "google_project_iam_member" "function_sources" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.builder.member

  condition {
    title       = "only functions' sources"
    description = "The builder may read what Cloud Functions has it build, and no other bucket."
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${local.project_number}-${var.region}\")"
  }
}
