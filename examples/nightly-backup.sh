#!/bin/sh
# Export every usable image of a region to a bucket, under today's date. Meant for cron.
#
#   examples/nightly-backup.sh tencent ap-guangzhou backup-1250000000
#
# One image that cannot be exported (a licence, a quota) does not stop the others: the script says which failed, and
# ends with 8 when only some succeeded.
set -u
provider=$1
region=$2
bucket=$3
prefix=${PREFIX:-$(date -u +%Y%m%d)}

ids=$(imgmove images --provider "$provider" --region "$region" -o json |
    python3 -c '
import json, sys
for image in json.load(sys.stdin)["images"]:
    if image["state"] in ("NORMAL", "Available"):
        print(image["id"])
') || exit $?

done=0
failed=0
for id in $ids; do
    if imgmove export "$id" --provider "$provider" --region "$region" --bucket "$bucket" --prefix "$prefix" --quiet; then
        done=$((done + 1))
    else
        echo "nightly-backup: $id failed with exit code $?" >&2
        failed=$((failed + 1))
    fi
done
echo "nightly-backup: $done exported, $failed failed" >&2
[ "$failed" -eq 0 ] || { [ "$done" -gt 0 ] && exit 8; exit 1; }
