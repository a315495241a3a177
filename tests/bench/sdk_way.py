"""A peer: what people do with the vendors' SDKs: download to a file with the one, upload it with the other.

sdk_way.py COS_URL OSS_URL FILE        (environment: a CA bundle, where the stores speak TLS)
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(cos_url: str, oss_url: str, file: str) -> None:
    import oss2
    from qcloud_cos import CosConfig, CosS3Client

    scheme, _, address = cos_url.partition("://")
    host, _, port = address.partition(":")
    client = CosS3Client(
        CosConfig(Region="ap-guangzhou", SecretId="id", SecretKey="key", Scheme=scheme, IP=host, Port=port)
    )
    client.download_file(Bucket="bench-1250000000", Key="k", DestFilePath=file)
    bucket = oss2.Bucket(oss2.AuthV4("id", "key"), oss_url, "bench", region="cn-hangzhou")
    oss2.resumable_upload(bucket, "copy", file, num_threads=4)
    Path(file).unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
