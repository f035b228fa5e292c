#!/bin/sh
# Submits one Understudy swap to Deadline 10 as a CommandLine job. NOT YET RUN ON A LIVE FARM.
# sh deadline_job.sh CLIP CHARACTER PASSES OUTPUT
set -eu
clip=$1 character=$2 passes=$3 output=$4

deadlinecommand -SubmitCommandLineJob \
    -name "Understudy $(basename "$output")" \
    -executable understudy \
    -arguments "replace <QUOTE>$clip<QUOTE> <QUOTE>$character<QUOTE> --passes <QUOTE>$passes<QUOTE> --output <QUOTE>$output<QUOTE> --label farm=deadline --overwrite --stop-server" \
    -frames 1 \
    -chunksize 1 \
    -prop MachineLimit=1 \
    -prop OverrideTaskFailureDetection=true \
    -prop FailureDetectionTaskErrors=2
