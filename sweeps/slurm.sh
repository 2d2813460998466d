#!/bin/bash
# A Slurm array that works through a sweep; each task takes the next run that no other task has.
#
#   sbatch --array=0-7 sweeps/slurm.sh sweep sweeps/digits_noise_rates.yaml [OPTIONS of python -m sdd sweep]
#   sbatch --array=0-7 sweeps/slurm.sh agent ENTITY/PROJECT/SWEEP_ID [OPTIONS of wandb agent]
#
# Add to sbatch what a task needs (--gres=gpu:1, --partition, --account, --mem, --time, --cpus-per-task), and to
# `sweep` how many runs a task has at once (--workers). Give the command in the project's folder, on a file system that
# all nodes share and that keeps locks (flock) across nodes. PYTHON and WANDB name the programs, where PATH does not.
#
# A minute before its time is up (or its pre-emption, where Slurm is set to say so), a task stops its runs, which put
# their state away, and queues itself again. A task that is pre-empted or loses its node is queued again by Slurm, and
# one that is cancelled stays so. Runs go on where they were left.
#SBATCH --job-name=sdd
#SBATCH --output=slurm-%A_%a.out
#SBATCH --open-mode=append
#SBATCH --ntasks=1
#SBATCH --requeue
#SBATCH --signal=B:USR1@60

set -u

usage="usage: sbatch --array=0-N sweeps/slurm.sh sweep FILE [OPTIONS] | agent ENTITY/PROJECT/SWEEP_ID [OPTIONS]"
if [ $# -lt 2 ]; then
  echo "$usage" >&2
  exit 2
fi
mode=$1
shift
case $mode in
  sweep) command=("${PYTHON:-python}" -m sdd sweep --leave_others "$@") ;;
  agent) command=("${WANDB:-wandb}" agent --forward-signals "$@") ;;
  *)
    echo "$usage" >&2
    exit 2
    ;;
esac

job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID:-0}}
job=${job:-${SLURM_JOB_ID:-}}
child=
asked=

stop() { # shellcheck disable=SC2317 # the traps call it
  asked=${asked:-$1}
  [ -n "$child" ] || return 0
  # To an agent's run SIGTERM alone is a stop from W&B's page; after SIGUSR1 other agents get the run.
  [ "$mode" = sweep ] || kill -USR1 "$child" 2>/dev/null
  kill -TERM "$child" 2>/dev/null
}
trap 'stop requeue' USR1
trap 'stop end' TERM INT

"${command[@]}" &
child=$!
[ -z "$asked" ] || stop "$asked"
wait "$child"
status=$?
if [ -n "$asked" ]; then # the signal may have ended the wait, not the command, which has 40 seconds to stop its runs
  left=${SDD_SLURM_GRACE:-40}
  while [ "$left" -gt 0 ] && kill -0 "$child" 2>/dev/null; do
    sleep 1
    left=$((left - 1))
  done
  kill -KILL "$child" 2>/dev/null
  wait "$child"
  status=$?
fi

# An agent ends with 0 whatever has become of its runs; where nothing is left to do, it ends again at once.
if [ "$asked" = requeue ] && [ -n "$job" ] && { [ "$mode" = agent ] || [ "$status" -ge 128 ]; }; then
  echo "slurm.sh: time is up; queueing $job again"
  scontrol requeue "$job"
fi
exit "$status"
