"""How findings are mended at Tencent Cloud: commands of tccli and coscli, and the console where they have none."""

from __future__ import annotations

from typing import Final

from imgmove.core.inspection import Advice

_BUCKET_CONSOLE: Final = "COS console > Bucket list > {bucket}"

ADVICE: Final = Advice(
    fixes={
        "credentials-refused": "check TENCENTCLOUD_SECRET_ID and _SECRET_KEY (blanks?), or `tccli configure`; CAM console > "
        "API keys shows whether the key is switched off",
        "bucket-missing": "check the name (NAME-APPID), or make it:\n$ coscli mb cos://{bucket} -r {region}",
        "bucket-denied": "allow the user cos:HeadBucket and cos:GetBucket on it (CAM console > Policies), or in "
        f"{_BUCKET_CONSOLE} > Permission management > Bucket policy",
        "bucket-of-another-account": "use a bucket of this account, or allow the role there: "
        f"{_BUCKET_CONSOLE} > Permission management > Bucket policy, in the other account",
        "bucket-not-readable": "allow the user cos:GetObject and cos:HeadObject on {bucket}/* (CAM console > Policies)",
        "bucket-not-writable": "allow the user cos:PutObject, cos:InitiateMultipartUpload, cos:UploadPart, "
        "cos:CompleteMultipartUpload, cos:AbortMultipartUpload on {bucket}/* (CAM console > Policies)",
        "bucket-encrypted": f"{_BUCKET_CONSOLE} > Security management > Server-side encryption: none; or use another bucket",
        "bucket-archives": "use a bucket of the standard class:\n$ coscli mb cos://NAME-APPID -r {region}",
        "object-archived": "$ coscli restore {about} --days 3 --mode Standard\nthen wait until that is done, up to hours",
        "bucket-public": f"{_BUCKET_CONSOLE} > Permission management > Bucket ACL: private read and write",
        "bucket-versioned": f"{_BUCKET_CONSOLE} > Fault tolerance > Versioning: suspend; or use another bucket",
        "bucket-expires-objects": f"{_BUCKET_CONSOLE} > Basic configuration > Lifecycle: switch rule {{rule}} off meanwhile, "
        "or give it a prefix",
        "bucket-moves-objects": f"{_BUCKET_CONSOLE} > Basic configuration > Lifecycle: switch rule {{rule}} off meanwhile, "
        "or give it a prefix",
        "bucket-aborts-uploads": f"{_BUCKET_CONSOLE} > Basic configuration > Lifecycle: lengthen rule {{rule}}",
        "image-denied": "allow the user cvm:DescribeImages (CAM console > Policies)",
        "quota-full": "see what may go:\n$ imgmove images --provider {provider} --region {region}\n"
        "$ tccli cvm DeleteImages --region {region} --ImageIds '[\"img-…\"]'\nor ask for more in the console, Images > Quota",
    },
)  # fmt: skip
