#!/bin/sh
# Start an export, leave, and pick it up later: from another shell, after a reboot, or from cron.
#
#   examples/export-and-come-back.sh tencent://ap-guangzhou/img-6pb6lrmy backup-1250000000
set -eu
image=$1
bucket=$2

# --no-wait returns as soon as the provider has accepted. The job's id is all that there is to keep, and even that
# can be looked up: imgmove jobs list --unfinished
job=$(imgmove export "$image" --bucket "$bucket" --no-wait --quiet -o json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["job"])')
echo "started $job" >&2

# … here the laptop is closed, or the script ends …

# `status` asks the provider once; --watch follows it to its end. Exit codes: 0 succeeded, 1 failed at the provider,
# 6 the timeout ran out (the export goes on: run the same line again).
imgmove status "$job" --watch --timeout "${TIMEOUT:-6h}"
