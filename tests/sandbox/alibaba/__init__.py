"""The sandbox's Alibaba RPC services, judged by the official clients and by signatures computed here."""
