# A container, for ffmpeg; one instance. Its CPU is paid while it is called: a call lasts as long as anything goes on, which is
# always while a stream is heard, and a moment of each minute while none is (docs/adr/0093).
locals {
  # RUN_S_MAX of functions/coordinator/checking/lengths.py, from which the grace period and jobs.json follow too.
  run_s_max = 560
}

resource "google_cloud_run_v2_service" "prober" {
  for_each = toset([for number in range(var.prober_partitions) : tostring(number)])

  name                = each.key == "0" ? "${local.name}-prober" : "${local.name}-prober-${each.key}"
  location            = var.region
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY" # Cloud Scheduler counts as internal
  deletion_protection = false                           # it keeps nothing

  template {
    service_account = google_service_account.functions["prober"].email
    # No run lasts longer; its caller is answered some seconds after its draw's end, when the next call has come.
    timeout                          = "${local.run_s_max}s"
    max_instance_request_concurrency = 4 # runs of neighbouring draws overlap, a duplicate joins them
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"

    scaling {
      min_instance_count = 0
      max_instance_count = 1 # two would open two references to each stream, and each keeps its own count of places
    }

    containers {
      image = local.images.prober

      # The prober counts its processors, and makes as many checks at once as they can read (checking/check_costs.py).
      resources {
        cpu_idle          = true
        startup_cpu_boost = true
        limits            = { cpu = tostring(local.prober_cpus), memory = "${max(2, local.prober_cpus)}Gi" }
      }

      dynamic "env" {
        for_each = merge(local.env, {
          INGEST_URL      = local.ingest_url
          CHECKS_PER_HOUR = tostring(var.checks_per_hour)
        })
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_env.prober
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = google_secret_manager_secret.secrets[env.value].secret_id
              version = google_secret_manager_secret_version.secrets[env.value].version
            }
          }
        }
      }

      startup_probe {
        tcp_socket {
          port = 8080
        }
        period_seconds    = 5
        failure_threshold = 12
      }
    }
  }

  depends_on = [terraform_data.images, time_sleep.permissions]
}

resource "google_cloud_run_v2_service_iam_member" "prober" {
  for_each = google_cloud_run_v2_service.prober

  name     = each.value.name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}
