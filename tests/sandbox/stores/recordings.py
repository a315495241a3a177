"""Requests that clients made which the tests don't install; the keys and buckets are those of the tests' world."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recording:
    """A request as a client sent it, and what it gets."""

    client: str
    service: str
    made_at: int
    """Unix seconds."""
    head: str
    status: int
    contains: str = ""
    body: bytes | None = None


RECORDINGS = (
    Recording(
        "ali-oss 6.23.0, listV2: a blank parameter is signed with its equals sign",
        "oss",
        1795240898,
        """\
GET /?list-type=2&delimiter=%2F&prefix= HTTP/1.1
x-oss-date: 20261121T060138Z
x-oss-content-sha256: UNSIGNED-PAYLOAD
user-agent: aliyun-sdk-nodejs/6.23.0 Node.js 20.20.2 on Linux 64-bit
authorization: OSS4-HMAC-SHA256 Credential=LTAItest/20261121/cn-hangzhou/oss/aliyun_v4_request,\
Signature=1c4318050115c8ceeb01bbc16c180abfa24facd2f04c1d29529fc4114f7d2952
Host: house.oss-cn-hangzhou.aliyuncs.com
""",
        200,
        "<ListBucketResult>",
    ),
    Recording(
        "alibabacloud-oss-v2 1.4.1 for Python, version 1: its token has a header of its own",
        "oss",
        1795240981,
        """\
GET /house/?encoding-type=url&max-keys=1 HTTP/1.1
Host: 127.0.0.1:39998
Accept-Encoding: identity
User-Agent: alibabacloud-python-sdk-v2/1.4.1 (Linux/6.18.44-fc-v595/x86_64;3.11.7)
Content-Type: application/octet-stream
Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==
Date: Sat, 21 Nov 2026 06:03:01 GMT
security-token: recorded-token
Authorization: OSS STS.recorded:y/cVufdSIWHF1VWcGOkW2SN66WQ=
""",
        200,
        "<ListBucketResult>",
    ),
    Recording(
        "alibabacloud-oss-v2 1.4.1 for Python, delete_bucket_overwrite_config: not the bucket's own deletion",
        "oss",
        1795240981,
        """\
DELETE /house/?overwriteConfig= HTTP/1.1
Host: 127.0.0.1:39998
Content-Type: application/xml
Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==
Date: Sat, 21 Nov 2026 06:03:01 GMT
Authorization: OSS LTAItest:30xES4qLIAoaazDPoAW1V/qFa0Y=
Content-Length: 0
""",
        501,
        "<Code>NotImplemented</Code>",
    ),
    Recording(
        "boto3 1.44.5, put_object with the checksum it adds by itself",
        "cos",
        1795241626,
        """\
PUT /house-1250000000/a%20b%2Bc/%C3%BC.img HTTP/1.1
Host: 127.0.0.1:39998
Accept-Encoding: identity
x-amz-meta-who: me
x-amz-storage-class: STANDARD_IA
x-amz-acl: private
x-amz-checksum-crc32: /sUwqQ==
x-amz-sdk-checksum-algorithm: CRC32
X-Amz-Date: 20261121T061346Z
X-Amz-Content-SHA256: ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73
Authorization: AWS4-HMAC-SHA256 Credential=AKIDtest/20261121/ap-guangzhou/s3/aws4_request, \
SignedHeaders=host;x-amz-acl;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;x-amz-meta-who;\
x-amz-sdk-checksum-algorithm;x-amz-storage-class, \
Signature=5550d3bcb5ded4bf684a416d31e5592df846969dc7b80604cc8bb427dcd6dceb
""",
        200,
        body=b"content",
    ),
    Recording(
        "boto3 1.44.5, a presigned URL",
        "cos",
        1795241626,
        """\
GET /house-1250000000/a%20b%2Bc/%C3%BC.img?response-content-type=text%2Fx&X-Amz-Algorithm=AWS4-HMAC-SHA256\
&X-Amz-Credential=AKIDtest%2F20261121%2Fap-guangzhou%2Fs3%2Faws4_request&X-Amz-Date=20261121T061346Z\
&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
&X-Amz-Signature=e704964e6e0e28bf97b34e6284c499bd67c92a5904ddaa4b98d6d311cbd97f4f HTTP/1.1
Host: 127.0.0.1:39998
""",
        200,
        "content",
    ),
    Recording(
        "boto3 1.44.5, copy_object",
        "oss",
        1795241626,
        """\
PUT /house/copy HTTP/1.1
Host: 127.0.0.1:39998
x-amz-copy-source: house/a%20b%2Bc/%C3%BC.img
X-Amz-Date: 20261121T061346Z
X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=LTAItest/20261121/cn-hangzhou/s3/aws4_request, \
SignedHeaders=host;x-amz-content-sha256;x-amz-copy-source;x-amz-date, \
Signature=cd84c5721879d4fdeb8f6b418ba175fe1b3cd90746270f5baaacfa72c119a6ec
Content-Length: 0
""",
        200,
        "<CopyObjectResult>",
    ),
    Recording(
        "boto3 1.44.5, list_objects_v2 with temporary keys",
        "oss",
        1795241626,
        """\
GET /house?list-type=2&prefix=&max-keys=1&encoding-type=url HTTP/1.1
Host: 127.0.0.1:39998
X-Amz-Date: 20261121T061346Z
X-Amz-Security-Token: recorded-token
X-Amz-Content-SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
Authorization: AWS4-HMAC-SHA256 Credential=STS.recorded/20261121/cn-hangzhou/s3/aws4_request, \
SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, \
Signature=ba1d5356a6c49696d8f38858d5742883b6f175f5e470ff49300235f7a418913d
""",
        200,
        "<KeyCount>1</KeyCount>",
    ),
    Recording(
        "rclone 1.75.2, provider TencentCOS: a listing",
        "cos",
        1795241626,
        """\
GET /house-1250000000?encoding-type=url&max-keys=1000&prefix=a%20b%2F HTTP/1.1
Host: 127.0.0.1:39998
User-Agent: rclone/v1.75.2
Accept-Encoding: identity
Amz-Sdk-Invocation-Id: bd861e53-0479-493a-b707-cf7104eb7a4c
Amz-Sdk-Request: attempt=1; max=1
Authorization: AWS4-HMAC-SHA256 Credential=AKIDtest/20261121/none/s3/aws4_request, \
SignedHeaders=accept-encoding;amz-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date, \
Signature=c40624b6c1648cc9e91bf1dc039b9c9109ff7abe2fdddcd228ecf838893ce06a
X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
X-Amz-Date: 20261121T061346Z
""",
        200,
        "<IsTruncated>false</IsTruncated>",
    ),
    Recording(
        "rclone 1.75.2, provider Alibaba: a listing of version 2",
        "oss",
        1795241626,
        """\
GET /house?delimiter=%2F&encoding-type=url&list-type=2&max-keys=1000&prefix= HTTP/1.1
Host: 127.0.0.1:39998
User-Agent: rclone/v1.75.2
Accept-Encoding: identity
Amz-Sdk-Invocation-Id: 58cac891-7479-49e9-a225-49b0299c8172
Amz-Sdk-Request: attempt=1; max=1
Authorization: AWS4-HMAC-SHA256 Credential=LTAItest/20261121/none/s3/aws4_request, \
SignedHeaders=accept-encoding;amz-sdk-invocation-id;amz-sdk-request;host;x-amz-content-sha256;x-amz-date, \
Signature=86f9d1d03c567db599afff149a36b29aa7f32ce702bbda2911845a4728cc3351
X-Amz-Content-Sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
X-Amz-Date: 20261121T061346Z
""",
        200,
        "<Prefix>a%20b%2Bc%2F</Prefix>",
    ),
)
