# Two databases: who may reach the money is decided by IAM, below, and not by code.
locals {
  databases = jsondecode(file("${path.module}/queries.json"))

  # An index costs a write and storage on every change. A collection's fields have none, but for those that are queried
  # (queries.json, held to the code by a test); the store needs no composite index (docs/adr/0005).
  queried = merge([for database, has in local.databases : merge([for collection, fields in has.queried : {
    for field in fields : "${database}/${collection}/${field}" => { database = database, collection = collection, field = field }
  }]...)]...)

  collections = merge([for database, has in local.databases : {
    for collection in concat(keys(has.queried), has.others) : "${database}/${collection}" => { database = database, collection = collection }
  }]...)

  expiring = merge([for database, has in local.databases : {
    for collection in has.expiring : "${database}/${collection}" => { database = database, collection = collection }
  }]...)

  access = {
    api       = ["(default)", var.money_database]
    collector = ["(default)"]
    payout    = ["(default)", var.money_database]
    prober    = ["(default)"] # it parses what strangers send: it must not be able to move a token
  }
  # One that was restored from a backup is not ours to make.
  money = try(google_firestore_database.databases[var.money_database].name, var.money_database)

  grants = merge([for function, names in local.access : {
    for database in names : "${function}/${database}" => { function = function, database = database }
  }]...)
}

resource "google_firestore_database" "databases" {
  for_each = local.databases

  name                              = each.key
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  concurrency_mode                  = "OPTIMISTIC"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON" # `terraform destroy` leaves it where it is
  depends_on                        = [terraform_data.preflight]

  lifecycle {
    prevent_destroy = false         # ABANDON deletes nothing, and the rest can then be torn down
    ignore_changes  = [location_id] # it can never move: who moves the rest leaves it, or restores it elsewhere (docs/ops.md)
  }
}

# These, the indexes and the ends of documents do not wait for each other: what Google refuses of one keeps no other from being
# made. Field `*` is refused to some (hashicorp/terraform-provider-google#19598): see exempt_fields.
resource "google_firestore_field" "exempt" {
  for_each = var.exempt_fields ? local.collections : {}

  database   = google_firestore_database.databases[each.value.database].name
  collection = each.value.collection
  field      = "*"
  index_config {}
}

resource "google_firestore_field" "queried" {
  for_each = local.queried

  database   = google_firestore_database.databases[each.value.database].name
  collection = each.value.collection
  field      = each.value.field

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
    indexes {
      order       = "DESCENDING"
      query_scope = "COLLECTION"
    }
  }
}

resource "google_firestore_field" "expiry" {
  for_each = local.expiring

  database   = google_firestore_database.databases[each.value.database].name
  collection = each.value.collection
  field      = "expire_at"
  ttl_config {}
  index_config {} # an index on a time that only grows would cap the collection at 500 writes a second
}

resource "google_firestore_backup_schedule" "daily" {
  for_each = google_firestore_database.databases

  database  = each.value.name
  retention = "604800s" # 7 days
  daily_recurrence {}
}

resource "google_firestore_backup_schedule" "weekly" {
  database  = google_firestore_database.databases["money"].name
  retention = "8467200s" # 14 weeks, the longest there is
  weekly_recurrence {
    day = "SUNDAY"
  }
}

resource "google_project_iam_member" "databases" {
  for_each = local.grants

  project = var.project_id
  role    = "roles/datastore.user"
  member  = google_service_account.functions[each.value.function].member

  condition {
    title       = "only ${each.value.database}"
    description = "The ${each.value.function} may use the database ${each.value.database} and no other."
    expression  = "resource.name == \"projects/${var.project_id}/databases/${each.value.database}\""
  }
  depends_on = [terraform_data.preflight]
}
