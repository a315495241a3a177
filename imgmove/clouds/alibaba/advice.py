"""How findings are mended at Alibaba Cloud: commands of aliyun, and the console where it has none."""

from __future__ import annotations

from typing import Final

from imgmove.core.inspection import Advice

ADVICE: Final = Advice(
    fixes={
        "credentials-refused": "check ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, or `aliyun configure`; RAM console > Users > "
        "AccessKey shows whether the key is disabled",
        "endpoint-forbidden": "run it inside {region} with network = \"internal\" in [profiles.NAME.alibaba], or put a domain "
        "of your own in front of the bucket (oss_cname), or use a bucket outside the mainland, in cn-hongkong say",
        "bucket-missing": "check the name, or make it:\n$ aliyun oss mb oss://{bucket} --region {region}",
        "bucket-denied": "allow the user oss:GetBucketInfo and oss:GetBucketLocation on acs:oss:*:*:{bucket} "
        "(RAM console > Policies)",
        "bucket-of-another-account": "use a bucket of this account, or allow the role there: OSS console > {bucket} > "
        "Permission control > Bucket policy, in the other account",
        "bucket-not-readable": "allow the user oss:GetObject on acs:oss:*:*:{bucket}/* (RAM console > Policies)",
        "bucket-not-writable": "allow the user oss:PutObject and oss:AbortMultipartUpload on acs:oss:*:*:{bucket}/* "
        "(RAM console > Policies)",
        "bucket-encrypted": "use another bucket, or:\n$ aliyun oss bucket-encryption --method delete oss://{bucket}",
        "bucket-archives": "use a bucket of the standard class:\n"
        "$ aliyun oss mb oss://NAME --region {region} --storage-class Standard",
        "object-archived": "$ aliyun oss restore {about}\nthen wait until that is done, up to hours",
        "bucket-public": "$ aliyun oss set-acl oss://{bucket} private -b",
        "bucket-versioned": "use another bucket, or:\n$ aliyun oss bucket-versioning --method put oss://{bucket} suspended",
        "bucket-expires-objects": "OSS console > {bucket} > Data management > Lifecycle: switch rule {rule} off meanwhile, "
        "or give it a prefix",
        "bucket-moves-objects": "OSS console > {bucket} > Data management > Lifecycle: switch rule {rule} off meanwhile, "
        "or give it a prefix",
        "bucket-aborts-uploads": "OSS console > {bucket} > Data management > Lifecycle: lengthen rule {rule}",
        "image-denied": "allow the user ecs:DescribeImages (RAM console > Policies)",
        "quota-full": "see what may go:\n$ imgmove images --provider {provider} --region {region}\n"
        "$ aliyun ecs DeleteImage --RegionId {region} --ImageId m-…\nor ask for more in the Quota Center",
    },
    codes={"PublicEndpointForbidden": "endpoint-forbidden", "InvalidSecurityToken.Expired": "token-expired"},
)  # fmt: skip
