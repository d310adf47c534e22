# Runs launch.train in every task of a job, and puts the job back into the queue if that helps. For
# the batch scripts beside it, which say in $WORKERS who takes part where TensorFlow has to be told.
#
# Of several codes srun returns the highest, which may hide a mistake: every task writes down its own.
export CODES="genokeras-$SLURM_JOB_ID.codes"
rm -rf "$CODES"
mkdir "$CODES"
srun bash -c '
  trap : TERM  # Python gets the signal too; its code is waited for.
  if [ -n "$WORKERS" ]; then
    task="{\"type\": \"worker\", \"index\": $SLURM_PROCID}"
    export TF_CONFIG="{\"cluster\": {\"worker\": [${WORKERS%, }]}, \"task\": $task}"
  fi
  python -m launch.train --flagfile=launch/presets/multiworker.flags "$@"
  code=$?
  echo "$code" > "$CODES/$SLURM_PROCID"
  exit "$code"
' train "$@"
code=$?
again=false
for each in "$code" $(cat "$CODES"/*); do
  # 2: a mistake, which would be made again; the tasks that only lost a fellow end with 75.
  if [ "$each" -eq 2 ]; then
    code=2 again=false
    break
  fi
  # 75: to be started again with the same command. Above 128: killed, which the others notice.
  if [ "$each" -eq 75 ] || [ "$each" -gt 128 ]; then
    again=true
  fi
done
rm -r "$CODES"
if $again; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
