variable "project_id" {
  description = "Google Cloud project that holds the network, and nothing else: it needs the database `(default)`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id: write the project's id, 6 to 30 lower-case letters, digits and hyphens, like my-network-4711 (not its name or number)."
  }
}

variable "region" {
  description = "Region of everything, close to the publisher."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = contains(local.regions, var.region)
    error_message = "region: write one region, like europe-west1 or us-central1 (no zone and no multi-region): ${join(", ", local.regions)}."
  }
}

variable "firestore_location" {
  description = "Location of both databases; null is the region. It can never be changed. `eur3` and `nam5` survive the loss of a region."
  type        = string
  default     = null

  validation {
    condition     = var.firestore_location == null ? true : contains(concat(local.regions, ["eur3", "nam5"]), var.firestore_location)
    error_message = "firestore_location: write null for the region, a region like europe-west1, or eur3 or nam5."
  }
}

variable "scheduler_region" {
  description = "Region of Cloud Scheduler's jobs; null is the region, where Cloud Scheduler is there. Another one costs a call a few milliseconds."
  type        = string
  default     = null

  validation {
    condition     = var.scheduler_region == null ? true : contains(local.regions, var.scheduler_region)
    error_message = "scheduler_region: write null for the region, or a region with Cloud Scheduler, like europe-west1 (`gcloud scheduler locations list`)."
  }
  validation {
    condition     = var.scheduler_region != null || !contains(local.regions, var.region) ? true : contains(local.scheduler_regions, var.region)
    error_message = "scheduler_region: Cloud Scheduler was not in ${var.region} when this was written. Write the nearest region that has it (`gcloud scheduler locations list`): ${join(", ", local.scheduler_regions)}."
  }
}

variable "exempt_fields" {
  description = "Whether collections are kept free of indexes that nobody asks for, which cost a write and storage on every change. If Google refuses that, write false and do it by hand (docs/ops.md)."
  type        = bool
  default     = true
  nullable    = false
}

variable "money_database" {
  description = "Database of balances and statements that the functions use: another one after a restore (docs/ops.md), which made it."
  type        = string
  default     = "money"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.money_database))
    error_message = "money_database: write money, or the name that you restored it to, 4 to 63 lower-case letters, digits and hyphens, like money-restored."
  }
}

variable "images" {
  description = "Images of the functions and of the node, by digest: to roll back, or to build none. One that is null is built by Cloud Build from this repository."
  type = object({
    api       = optional(string)
    collector = optional(string)
    payout    = optional(string)
    prober    = optional(string)
    node      = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for image in values(var.images) : image == null ? true : can(regex("^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$", image))])
    error_message = "images: write each with its digest, like europe-docker.pkg.dev/project/images/node@sha256:<64 hexadecimal digits> (a tag can be moved to other bytes), or null to have it built."
  }
  validation {
    # Machines pull the node's by themselves, from wherever it is.
    condition     = alltrue([for name, image in var.images : image == null || name == "node" ? true : can(regex("^([a-z0-9-]+-docker[.]pkg[.]dev|([a-z]+[.])?gcr[.]io|docker[.]io)/", image))])
    error_message = "images: write functions from a registry that Cloud Run reads, which are Artifact Registry, like europe-docker.pkg.dev/project/images/prober@sha256:<64 hexadecimal digits>, gcr.io and docker.io."
  }
}

variable "relay_engine" {
  description = "Relay of the ingest and of the known-good control node."
  type        = string
  default     = "restream"

  validation {
    condition     = contains(["restream", "rtmp_relay"], var.relay_engine)
    error_message = "relay_engine: write restream or rtmp_relay."
  }
}

variable "shards" {
  description = "Parts that the nodes are divided into, one sweep each: one per 10,000 nodes."
  type        = number
  default     = 1

  validation {
    condition     = var.shards >= 1 && var.shards <= 64 && floor(var.shards) == var.shards
    error_message = "shards: write a whole number from 1 to 64, one per 10,000 nodes."
  }
}

variable "prober_cpus" {
  description = "Processors of each instance of the prober; null is one in a small network and two in a large one. One checks 5,000 nodes of a 4 Mbit/s stream, and two, which is what an instance can use, 10,000."
  type        = number
  default     = null

  validation {
    condition     = var.prober_cpus == null ? true : contains([1, 2, 4], var.prober_cpus)
    error_message = "prober_cpus: write 1, 2 or 4, which Cloud Run has."
  }
}

variable "prober_partitions" {
  description = "Instances of the prober that the nodes are divided among: one per 10,000 nodes."
  type        = number
  default     = 1

  validation {
    condition     = var.prober_partitions >= 1 && var.prober_partitions <= 16 && floor(var.prober_partitions) == var.prober_partitions
    error_message = "prober_partitions: write a whole number from 1 to 16."
  }
}

variable "checks_per_hour" {
  description = "Expected spot checks of a healthy node in an hour. Each plays 3 to 14 s of its stream."
  type        = number
  default     = 4

  validation {
    condition     = var.checks_per_hour >= 1 && var.checks_per_hour <= 60 && floor(var.checks_per_hour) == var.checks_per_hour
    error_message = "checks_per_hour: write a whole number from 1 to 60 (at most one a minute)."
  }
}

variable "holding_epochs" {
  description = "Hours that earnings stay pending before they are available."
  type        = number
  default     = 24

  validation {
    condition     = var.holding_epochs >= 0 && var.holding_epochs <= 168 && floor(var.holding_epochs) == var.holding_epochs
    error_message = "holding_epochs: write a whole number of hours from 0 to 168."
  }
}

variable "api_instances" {
  description = "Least and most instances of the api. One that is always warm costs about 10 USD a month and answers without a cold start."
  type = object({
    min = optional(number, 0)
    max = optional(number, 10)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.api_instances.min >= 0 && var.api_instances.min <= var.api_instances.max && var.api_instances.max >= 1 && var.api_instances.max <= 100
    error_message = "api_instances: write min from 0 and max from 1 to 100, min not above max, like { min = 1, max = 10 }."
  }
}

variable "paused" {
  description = "Functions whose scheduler jobs are paused: collector, prober, payout."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for name in var.paused : contains(["collector", "prober", "payout"], name)])
    error_message = "paused: write names among collector, prober and payout, like [\"payout\"]."
  }
}

variable "key_generation" {
  description = "Raise a number to replace that key at the next apply. See Rotate keys in docs/ops.md first."
  type = object({
    lottery  = optional(number, 1)
    ingest   = optional(number, 1)
    controls = optional(number, 1)
  })
  default  = {}
  nullable = false
}

variable "size" {
  description = "In a small network the control nodes share the ingest's machine, which sends up to 200 Mbit/s. In a large one each has a machine of its own (docs/adr/0093)."
  type        = string
  default     = "small"

  validation {
    condition     = contains(["small", "large"], var.size)
    error_message = "size: write small or large."
  }
  validation {
    condition     = var.size != "small" || var.expected.nodes * var.expected.mbits <= 200
    error_message = "size: nodes that pull more than 200 Mbit/s together need size = \"large\", since the ingest shares a machine in a small network."
  }
}

variable "expected" {
  description = "How many nodes you expect at most, and how many Mbit/s each of them pulls. The ingest's machine follows from it. An ingest sends 7,000 Mbit/s at most."
  type = object({
    nodes = optional(number, 50)
    mbits = optional(number, 4)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.expected.nodes >= 1 && floor(var.expected.nodes) == var.expected.nodes && var.expected.mbits > 0 && var.expected.mbits <= 100
    error_message = "expected: write nodes as a whole number from 1 and mbits up to 100, like { nodes = 50, mbits = 4 }."
  }
  validation {
    condition     = var.expected.nodes * var.expected.mbits <= 7000
    error_message = "expected: no machine sends more than 7,000 Mbit/s to the internet. Run the ingest where traffic is flat-rate (docs/ops.md), and expect here what is left."
  }
}

variable "ingest_machine" {
  description = "Machine type of the ingest; null is the least that sends what is expected."
  type        = string
  default     = null

  validation {
    # The others are of another processor, or boot from other disks.
    condition     = var.ingest_machine == null ? true : can(regex("^(e2|n1|n2d?|t2d|c[23]d?)-[a-z0-9-]+$", var.ingest_machine))
    error_message = "ingest_machine: write a machine type of the series e2, n1, n2, n2d, t2d, c2, c2d, c3 or c3d, like e2-standard-2."
  }
}

variable "control_nodes" {
  description = "Whether a known-good and a known-bad node check the checking. Without them, a broken prober is noticed later."
  type        = bool
  default     = true
  nullable    = false
}

variable "preflight" {
  description = "Whether an apply first asks Google if it would fail, by gcloud and Python 3.11. What cannot be asked is passed over."
  type        = bool
  default     = true
  nullable    = false
}

variable "alert_emails" {
  description = "Addresses that alerts and the budget are sent to."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$", address))])
    error_message = "alert_emails: write whole addresses, like [\"ops@example.org\"]."
  }
}

variable "budget" {
  description = "A monthly amount in whole units of the billing account's currency, and that account's id; null for no budget."
  type = object({
    billing_account = optional(string)
    amount          = optional(number)
    currency        = optional(string) # the account's own: another one is refused
  })
  default = null

  validation {
    condition     = var.budget == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget: write billing_account as `gcloud billing accounts list` prints it, like 012345-6789AB-CDEF01."
  }
  validation {
    condition     = var.budget == null ? true : try(var.budget.amount >= 1 && floor(var.budget.amount) == var.budget.amount, false)
    error_message = "budget: write amount as a whole number from 1, like amount = 100."
  }
}
