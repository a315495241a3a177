#!/bin/sh
# Export an image to a bucket, wait for it, and print where the object is.
#
#   examples/export-and-wait.sh tencent://ap-guangzhou/img-6pb6lrmy backup-1250000000
#
# Progress goes to standard error; standard output has the object's address and nothing else.
set -eu
image=$1
bucket=$2

report=$(imgmove export "$image" --bucket "$bucket" --format "${FORMAT:-qcow2}" --timeout "${TIMEOUT:-6h}" -o json)
printf '%s\n' "$report" | python3 -c '
import json, sys
for artifact in json.load(sys.stdin)["artifacts"]:
    print(artifact["uri"])
'
