# The four functions: services of Cloud Run, each running its own image of functions/Dockerfile, by digest (images.tf). Inside,
# functions-framework serves what functions/*/main.py decorates, here as with compose.yaml and in the tests (docs/adr/0097).
locals {
  env = {
    GOOGLE_CLOUD_PROJECT = var.project_id
    MEASUREMENT_DATABASE = google_firestore_database.databases["(default)"].name
    SHARDS               = tostring(var.shards)
    PARTITIONS           = tostring(var.prober_partitions)
  }
  job_env = { SCHEDULER_SWITCHED = join(",", local.switched) }

  # RUN_S_MAX of functions/coordinator/checking/lengths.py, from which the grace period and jobs.json follow too.
  run_s_max = 560

  # How each is run.
  services = {
    api = {
      # FastAPI and the Firestore client take 200 MB; one CPU is the least that serves requests side by side.
      memory      = "512Mi"
      cpu         = "1"
      concurrency = 80
      instances   = [var.api_instances.min, var.api_instances.max]
      timeout_s   = 30 # every call of the store is bounded by 10 s
      ingress     = "INGRESS_TRAFFIC_ALL"
      is_public   = true # a switch of its own, and no grant to everybody, which organizations forbid by policy
      parts       = 1
      env = merge(local.env, local.job_env, {
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
      instances   = [0, var.shards + 1]             # one spare: a duplicate must not make a shard wait
      timeout_s   = 58                              # a sweep belongs to its minute
      ingress     = "INGRESS_TRAFFIC_INTERNAL_ONLY" # Cloud Scheduler counts as internal
      is_public   = false
      parts       = 1
      env         = local.env
    }
    payout = {
      # Bitmaps of a shard's hour, some at a time. One instance at a time is enough: it settles streams in turn.
      memory      = "1Gi"
      cpu         = "1"
      concurrency = 1
      instances   = [0, 2] # two: a new revision starts while the old one ends
      timeout_s   = 540    # what is left is settled by the next call
      ingress     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      is_public   = false
      parts       = 1
      env = merge(local.env, local.job_env, {
        MONEY_DATABASE  = local.money
        HOLDING_EPOCHS  = tostring(var.holding_epochs)
        CHECKS_PER_HOUR = tostring(var.checks_per_hour) # only published, at /config
      })
    }
    prober = {
      # It counts its processors, and makes as many checks at once as they can read (checking/check_costs.py).
      memory = "${max(2, local.prober_cpus)}Gi"
      cpu    = tostring(local.prober_cpus)
      # A call lasts as long as anything goes on: always while a stream is heard, and a moment of each minute while none is
      # (docs/adr/0093). So references to the ingest outlive a run (docs/adr/0004). No call lasts longer than `timeout_s`.
      concurrency = 4      # runs of neighbouring draws overlap, a duplicate joins them
      instances   = [0, 1] # two would open two references to each stream, and each keeps its own count of places
      timeout_s   = local.run_s_max
      ingress     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      is_public   = false
      parts       = var.prober_partitions # each a service of its own, with the checks of its own nodes
      env = merge(local.env, {
        INGEST_URL      = local.ingest_url
        CHECKS_PER_HOUR = tostring(var.checks_per_hour)
      })
    }
  }

  # By the service's name: api, collector, payout, prober, prober-1 …
  deployed = merge([for name, service in local.services : {
    for part in range(service.parts) : part == 0 ? name : "${name}-${part}" => merge(service, { function = name })
  }]...)
}

resource "google_cloud_run_v2_service" "functions" {
  for_each = local.deployed

  name                 = "${local.name}-${each.key}"
  location             = var.region
  ingress              = each.value.ingress
  invoker_iam_disabled = each.value.is_public
  deletion_protection  = false # it keeps nothing

  # Said, since a split that somebody made by hand would outlive every later apply.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  template {
    service_account                  = google_service_account.functions[each.value.function].email
    timeout                          = "${each.value.timeout_s}s"
    max_instance_request_concurrency = each.value.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2" # a whole Linux: what was measured was measured there

    scaling {
      min_instance_count = each.value.instances[0]
      max_instance_count = each.value.instances[1]
    }

    containers {
      image = local.images[each.value.function]

      resources {
        cpu_idle          = true # unsaid beside limits, a processor would be there, and be paid for, at all times
        startup_cpu_boost = true
        limits            = { cpu = each.value.cpu, memory = each.value.memory }
      }

      dynamic "env" {
        for_each = each.value.env
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = local.secret_env[each.value.function]
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret = google_secret_manager_secret.secrets[env.value].secret_id
              # By number: a new version is a new revision, which can be rolled back.
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

  # Without its permissions the first revision does not start.
  depends_on = [time_sleep.permissions]
}

# Whoever is not public is called by the scheduler, and by nobody else.
resource "google_cloud_run_v2_service_iam_member" "scheduler" {
  for_each = { for name, service in local.deployed : name => service if !service.is_public }

  name     = google_cloud_run_v2_service.functions[each.key].name
  location = var.region
  role     = "roles/run.invoker"
  member   = google_service_account.scheduler.member
}
