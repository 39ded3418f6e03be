# The rotation as a periodic job of Nomad: an alternative to crontab.example, for one fleet.
#
# A client with awsq installed offers the volume "awsq", a folder of the user awsq with regions.cfg,
# the key to log in with, .aws/credentials if the machine has no role, and the ledger; and its
# configuration allows the time to stop, of which 30 seconds is the default and too little:
#
#     client {
#       max_kill_timeout = "15m"
#       host_volume "awsq" { path = "/var/lib/awsq" }
#     }

job "awsq-rotate" {
  type = "batch"

  periodic {
    crons     = ["5-59/10 * * * *"]
    time_zone = "UTC"
    # One at a time.
    prohibit_overlap = true
  }

  group "rotate" {
    # The ledger is on one client's disk, so that is where the job runs.
    volume "awsq" {
      type   = "host"
      source = "awsq"
    }

    # What failed is not begun again: rotate-regions knows itself what is due, ten minutes later.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "rotate" {
      driver = "exec"
      user   = "awsq"

      # `nomad job stop` and a drain send TERM, at which the job is ended and its instance stopped,
      # which takes a minute or more; KILL before that would leave it to its own timer.
      kill_signal  = "SIGTERM"
      kill_timeout = "15m"

      config {
        command = "/usr/bin/rotate-regions"
        args    = ["--config=/var/lib/awsq/regions.cfg", "--all", "--every=6h"]
      }

      env {
        HOME = "/var/lib/awsq"
      }

      volume_mount {
        volume      = "awsq"
        destination = "/var/lib/awsq"
      }

      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
