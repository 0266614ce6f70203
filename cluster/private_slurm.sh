#!/usr/bin/env bash
# A private Slurm on one machine, to try job scripts without a cluster: the real programs, on loopback only.
#
#   private_slurm.sh start DIR              start munged, slurmctld and some slurmd under DIR, and wait until they take jobs
#   private_slurm.sh stop DIR               cancel its jobs and end what start started, nothing else
#   private_slurm.sh status DIR             its daemons, nodes and jobs
#   eval "$(private_slurm.sh env DIR)"      let sbatch, squeue and scontrol of this shell use it
#
# To see what faults do:
#   private_slurm.sh crash-node DIR n1      SIGKILL a node: its slurmd, its step daemons and what they run
#   private_slurm.sh start-node DIR n1      start that node's slurmd again
#   private_slurm.sh crash-controller DIR   SIGKILL slurmctld
#   private_slurm.sh start-controller DIR   start it again, with the state it left on disk
#
# Needs slurmctld, slurmd, munged and sbatch (Debian: apt-get install slurm-wlm munge). Best run as root; as another user all jobs
# run as that user. Read at start: NODES (2), CPUS of a node (2), MEMORY of a node in MiB (2048).
# Neither cgroups nor systemd nor a database is used: memory is watched by polling, and sacct has nothing to say.
set -euo pipefail

usage() { sed -n '2,14p' "$0" | sed 's/^# \{0,1\}//'; exit 2; }
(($# >= 2)) || usage
action=$1 place=$2 node=${3:-}
case $place in *[[:space:]]*) echo "slurm.conf cannot hold a folder name with blanks: $place" >&2; exit 2 ;; esac
mkdir -p "$place"
place=$(cd "$place" && pwd -P)
if ((${#place} > 80)); then echo "the name of the folder is too long for the sockets in it: $place" >&2; exit 2; fi
conf=$place/slurm.conf
PATH=$PATH:/usr/sbin:/sbin
export SLURM_CONF=$conf

# -- daemons and their pids: one file a daemon, the pid and a word of its command line (numbers are used again) -----------------

note_pid() { echo "$2 $3" >"$place/pids/$1"; }

alive() { # name: prints the pid if that daemon lives and is ours
  local pid word
  [[ -r $place/pids/$1 ]] || return 1
  read -r pid word <"$place/pids/$1"
  [[ -r /proc/$pid/cmdline ]] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$word" && echo "$pid"
}

daemons() { (cd "$place/pids" 2>/dev/null && ls -1) || true; }

within() { # seconds, command: try until it succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

none_alive() {
  local name
  for name in $(daemons); do if alive "$name" >/dev/null; then return 1; fi; done
}

# -- starting ------------------------------------------------------------------------------------------------------------------

free_ports() { # number: prints the first of so many neighbouring ports that nobody listens on
  local first port try
  for try in {1..200}; do
    first=$((20000 + RANDOM % 11000))
    for ((port = first; port < first + $1; port++)); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    echo "$first"
    return
  done
  echo "no free ports" >&2
  exit 1
}

write_conf() {
  local nodes=${NODES:-2} cpus=${CPUS:-2} memory=${MEMORY:-2048} host user port k
  host=$(hostname -s) user=$(id -un) port=$(free_ports $((nodes + 1)))
  cat >"$conf" <<END
ClusterName=private
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$user
SlurmdUser=$user
StateSaveLocation=$place/state
SlurmdSpoolDir=$place/spool/%n
SlurmctldPidFile=$place/run/slurmctld.pid
SlurmdPidFile=$place/run/slurmd-%n.pid
SlurmctldLogFile=$place/log/slurmctld.log
SlurmdLogFile=$place/log/slurmd-%n.log
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its old credential has expired: two minutes if nothing is said.
AuthInfo=socket=$place/munge/socket,cred_expire=5
# No cgroups: processes are followed through their parents, memory by polling.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
JobAcctGatherParams=OverMemoryKill
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,sched_min_interval=0,bf_interval=2
# Faults are noticed in seconds, not minutes.
SlurmctldTimeout=30
SlurmdTimeout=15
KillWait=2
CompleteWait=0
InactiveLimit=0
ReturnToService=2
JobRequeue=1
MinJobAge=600
MaxArraySize=10001
MaxJobCount=10000
# The machine may have fewer processors than its nodes say.
SlurmdParameters=config_overrides
END
  for ((k = 1; k <= nodes; k++)); do
    echo "NodeName=n$k NodeHostname=$host NodeAddr=127.0.0.1 Port=$((port + k)) CPUs=$cpus Boards=1 SocketsPerBoard=1" \
      "CoresPerSocket=$cpus ThreadsPerCore=1 RealMemory=$memory State=UNKNOWN"
  done >>"$conf"
  echo "PartitionName=main Nodes=n[1-$nodes] Default=YES MaxTime=INFINITE DefaultTime=10" \
    "DefMemPerCPU=$((memory / cpus)) State=UP OverSubscribe=NO" >>"$conf"
}

start_munge() {
  [[ -s $place/munge/key ]] || (umask 077 && head -c 128 /dev/urandom >"$place/munge/key")
  # --force: a folder above may be writable by others, as below /tmp.
  munged --force --key-file="$place/munge/key" --socket="$place/munge/socket" --pid-file="$place/run/munged.pid" \
    --log-file="$place/log/munged.log" --seed-file="$place/munge/seed" --num-threads=2
  within 10 test -S "$place/munge/socket"
  note_pid munged "$(cat "$place/run/munged.pid")" "$place/munge/key"
}

start_controller() {
  setsid slurmctld -D -f "$conf" >"$place/log/slurmctld.out" 2>&1 </dev/null &
  note_pid slurmctld $! "$conf"
}

start_node() {
  mkdir -p "$place/spool/$1"
  setsid slurmd -D -N "$1" -f "$conf" >"$place/log/slurmd-$1.out" 2>&1 </dev/null &
  note_pid "slurmd-$1" $! "$conf"
}

nodes() { sed -n 's/^NodeName=\(n[0-9]*\) .*/\1/p' "$conf"; }

usable() { # number of nodes that take jobs
  [[ $(timeout 5 sinfo -h -N -t idle,mix,alloc -o %N 2>/dev/null | sort -u | wc -l) -ge $1 ]]
}

start() {
  local program name
  for program in munged slurmctld slurmd sbatch; do
    command -v "$program" >/dev/null || { echo "missing: $program (Debian: apt-get install slurm-wlm munge)" >&2; exit 3; }
  done
  if ! none_alive; then echo "started already under $place; stop it first" >&2; exit 4; fi
  rm -rf "$place/pids" "$place/state"
  mkdir -p "$place"/{pids,munge,state,spool,run,log}
  chmod 700 "$place/state"
  write_conf
  start_munge
  start_controller
  for name in $(nodes); do start_node "$name"; done
  if ! within 30 usable "$(nodes | wc -l)"; then
    echo "Slurm did not come up; the last lines of its logs:" >&2
    tail -n 5 "$place"/log/* >&2 || true
    stop
    exit 5
  fi
  echo "Slurm is up: nodes $(nodes | tr '\n' ' '); now type: eval \"\$($0 env $place)\""
}

# -- ending --------------------------------------------------------------------------------------------------------------------

environment_of() { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null || true; }

step_daemons() { # of this cluster only: the environment names its file
  local pid
  for pid in $(pgrep -x slurmstepd || true); do
    if environment_of "$pid" | grep -qxF "SLURM_CONF=$conf"; then echo "$pid"; fi
  done
}

stop() {
  local name pid signal
  if [[ ! -d $place/pids ]]; then echo "nothing was started under $place"; return; fi
  timeout 10 scancel -u "$(id -un)" >/dev/null 2>&1 || true
  within 10 no_jobs || true
  for signal in TERM KILL; do
    for name in $(daemons); do
      if pid=$(alive "$name"); then kill -"$signal" "$pid" 2>/dev/null || true; fi
    done
    if within 10 none_alive; then break; fi
  done
  for pid in $(step_daemons); do kill -KILL "$pid" 2>/dev/null || true; done
  rm -rf "$place/pids"
  echo "stopped"
}

no_jobs() { [[ -z $(timeout 5 squeue -h 2>/dev/null) ]]; }

kill_daemon() {
  local pid
  pid=$(alive "$1") || { echo "$1 is not running" >&2; exit 1; }
  kill -KILL "$pid"
  rm -f "$place/pids/$1"
}

crash_node() {
  local pid tasks=() steps=()
  kill_daemon "slurmd-$1"
  for pid in $(pgrep -U "$(id -u)" || true); do
    if environment_of "$pid" | grep -qxF "SLURMD_NODENAME=$1" && environment_of "$pid" | grep -qxF "SLURM_CONF=$conf"; then
      tasks+=("$pid")
    fi
  done
  for pid in ${tasks[@]+"${tasks[@]}"}; do # the step daemon is the parent of a task
    pid=$(ps -o ppid= -p "$pid" | tr -d ' ') || continue
    if [[ $(cat "/proc/$pid/comm" 2>/dev/null) == slurmstepd ]]; then steps+=("$pid"); fi
  done
  # Step daemons first: they would report the death of their tasks.
  for pid in ${steps[@]+"${steps[@]}"} ${tasks[@]+"${tasks[@]}"}; do kill -KILL "$pid" 2>/dev/null || true; done
  echo "$1 is dead, with ${#tasks[@]} processes"
}

status() {
  local name pid
  [[ -d $place/pids ]] || { echo "not started"; exit 1; }
  for name in $(daemons); do if pid=$(alive "$name"); then echo "$name $pid up"; else echo "$name gone"; fi; done
  timeout 10 sinfo -N -l
  timeout 10 squeue
}

wanted_node() { [[ -n $node ]] && nodes | grep -qxF -- "$node" || { echo "name a node: $(nodes | tr '\n' ' ')" >&2; exit 2; }; }

case $action in
  start) start ;;
  stop) stop ;;
  status) status ;;
  env) printf 'export SLURM_CONF=%q\n' "$conf" ;;
  crash-node) wanted_node; crash_node "$node" ;;
  start-node) wanted_node; start_node "$node" ;;
  crash-controller) kill_daemon slurmctld; echo "the controller is dead" ;;
  start-controller) start_controller; within 30 usable 1 ;;
  *) usage ;;
esac
