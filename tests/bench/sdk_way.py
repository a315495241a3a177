"""A peer: what people do with the vendors' SDKs: download to a file with the one, upload it with the other.

    sdk_way.py calls|helpers COS_URL OSS_URL FILE

`calls`: get_object and put_object_from_file. `helpers`: the helpers for large objects, in parallel, CRC on at both ends.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(way: str, cos_url: str, oss_url: str, file: str) -> None:
    import oss2
    from qcloud_cos import CosConfig, CosS3Client

    scheme, _, address = cos_url.partition("://")
    host, _, port = address.partition(":")
    client = CosS3Client(
        CosConfig(Region="ap-guangzhou", SecretId="id", SecretKey="key", Scheme=scheme, IP=host, Port=port)
    )
    bucket = oss2.Bucket(oss2.AuthV4("id", "key"), oss_url, "bench", region="cn-hangzhou")
    name = {"Bucket": "bench-1250000000", "Key": "k"}
    if way == "calls":
        client.get_object(**name)["Body"].get_stream_to_file(file)
        bucket.put_object_from_file("copy", file)
    else:
        client.download_file(**name, DestFilePath=file, EnableCRC=True)
        oss2.resumable_upload(bucket, "copy", file, num_threads=4)
    Path(file).unlink()


if __name__ == "__main__":
    main(*sys.argv[1:])
