"""imgmove moves virtual machine images between Tencent Cloud (CVM, ECM) and Alibaba Cloud (ECS)."""

from imgmove.version import __version__

__all__ = ["__version__"]
