# api, collector and payout: Cloud Run functions (2nd gen) from archives. The prober needs ffmpeg, and is in prober.tf.
locals {
  env = {
    GOOGLE_CLOUD_PROJECT = var.project_id
    MEASUREMENT_DATABASE = google_firestore_database.databases["(default)"].name
    SHARDS               = tostring(var.shards)
    PARTITIONS           = tostring(var.prober_partitions)
  }
  job_env = { SCHEDULER_SWITCHED = join(",", local.switched) }

  functions = {
    api = {
      # FastAPI and the Firestore client take 200 MB; one CPU is the least that serves requests side by side.
      memory      = "512Mi"
      cpu         = "1"
      concurrency = 80
      instances   = [var.api_instances.min, var.api_instances.max]
      timeout_s   = 30 # every call of the store is bounded by 10 s
      ingress     = "ALLOW_ALL"
      env = merge(local.job_env, {
        MONEY_DATABASE  = local.money
        INGEST_URL      = local.ingest_url
        PUBLIC_URL      = local.api_url
        TRUSTED_PROXIES = "1" # Cloud Run's own appends the caller's address
        SCHEDULER_JOBS  = join(",", values(local.job_names))
      })
    }
    collector = {
      # 10,000 nodes a shard; a sweep takes a whole CPU for seconds, so each has an instance of its own.
      memory      = "1Gi"
      cpu         = "1"
      concurrency = 1
      instances   = [0, var.shards + 1] # one spare: a duplicate must not make a shard wait
      timeout_s   = 58                  # a sweep belongs to its minute
      ingress     = "ALLOW_INTERNAL_ONLY"
      env         = {}
    }
    payout = {
      # Bitmaps of a shard's hour, some at a time. One instance at a time is enough: it settles streams in turn.
      memory      = "1Gi"
      cpu         = "1"
      concurrency = 1
      instances   = [0, 2] # two: a new revision starts while the old one ends
      timeout_s   = 540    # what is left is settled by the next call
      ingress     = "ALLOW_INTERNAL_ONLY"
      env = merge(local.job_env, {
        MONEY_DATABASE  = local.money
        HOLDING_EPOCHS  = tostring(var.holding_epochs)
        CHECKS_PER_HOUR = tostring(var.checks_per_hour) # only published, at /config
      })
    }
  }
}

resource "google_cloudfunctions2_function" "functions" {
  for_each = local.functions

  name     = "${local.name}-${each.key}"
  location = var.region

  build_config {
    runtime           = "python311" # what the locks were made and tested with
    entry_point       = each.key
    service_account   = google_service_account.builder.id
    docker_repository = google_artifact_registry_repository.repositories["functions"].id
    source {
      storage_source {
        bucket = google_storage_bucket.archives.name
        object = google_storage_bucket_object.source[each.key].name
      }
    }
    automatic_update_policy {}
  }

  service_config {
    available_memory                 = each.value.memory
    available_cpu                    = each.value.cpu
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.instances[0]
    max_instance_count               = each.value.instances[1]
    timeout_seconds                  = each.value.timeout_s
    ingress_settings                 = each.value.ingress
    all_traffic_on_latest_revision   = true
    service_account_email            = google_service_account.functions[each.key].email
    # The functions are asynchronous: the framework serves them on one event loop. RES_OPTIONS: as functions/Dockerfile says.
    environment_variables = merge(local.env, { FUNCTION_USE_ASGI = "true", RES_OPTIONS = "timeout:1 attempts:2" }, each.value.env)

    dynamic "secret_environment_variables" {
      for_each = local.secret_env[each.key]
      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = google_secret_manager_secret.secrets[secret_environment_variables.value].secret_id
        # By number: a new version is a new revision, which can be rolled back.
        version = google_secret_manager_secret_version.secrets[secret_environment_variables.value].version
      }
    }
  }

  # Without its permissions the first revision is not built, or does not start.
  depends_on = [time_sleep.permissions]
}

# The only thing that anybody may call.
resource "google_cloud_run_v2_service_iam_member" "public" {
  name     = google_cloudfunctions2_function.functions["api"].name
  location = var.region
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_cloud_run_v2_service_iam_member" "scheduler" {
  for_each = toset(["collector", "payout"])

  name     = google_cloudfunctions2_function.functions[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}
