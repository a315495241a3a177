"""CAM and STS of Tencent Cloud once more, from the definitions of their official packages (cam, sts) alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.emulators import documents
from tests.emulators.api30 import Api, RefusedError

ROLE_OF_CVM: Final = "CVM_QcsRole"
ACCOUNT: Final = "100"
CAM: Final[dict[str, dict[str, Any]]] = {
    "GetRole": {"RoleId": str, "RoleName": str},
    "ListAttachedRolePolicies": {"Page!": int, "Rp!": int, "RoleId": str, "RoleName": str, "PolicyType": str,
                                 "Keyword": str},
    "GetPolicy": {"PolicyId!": int},
    "GetUserAppId": {},
    "CreateRole": {"RoleName!": str, "PolicyDocument!": str, "Description": str, "ConsoleLogin": int,
                   "SessionDuration": int, "Tags": [{"Key": str, "Value": str}]},
    "UpdateAssumeRolePolicy": {"PolicyDocument!": str, "RoleId": str, "RoleName": str},
    "CreatePolicy": {"PolicyName!": str, "PolicyDocument!": str, "Description": str,
                     "Tags": [{"Key": str, "Value": str}]},
    "AttachRolePolicy": {"PolicyId": int, "AttachRoleId": str, "AttachRoleName": str, "PolicyName": str},
}  # fmt: skip
_WRITES: Final = ["name/cos:PutObject", "name/cos:InitiateMultipartUpload", "name/cos:UploadPart", "name/cos:ListParts",
                  "name/cos:ListMultipartUploads", "name/cos:CompleteMultipartUpload", "name/cos:AbortMultipartUpload",
                  "name/cos:HeadBucket", "name/cos:GetBucket"]  # fmt: skip
#: What the vendor's presets allow.
PRESETS: Final = {
    "QcloudCOSDataFullControl": _WRITES,
    "QcloudCOSFullAccess": ["cos:*"],
    "QcloudCVMReadOnlyAccess": ["cvm:Describe*"],
    "AdministratorAccess": ["*"],
}


def trust(*services: str, action: str = "name/sts:AssumeRole") -> dict[str, Any]:
    return {"version": "2.0",
            "statement": [{"action": [action], "effect": "allow", "principal": {"service": list(services)}}]}  # fmt: skip


def grant(*actions: str, resource: str = "*", effect: str = "allow") -> dict[str, Any]:
    return {"version": "2.0", "statement": [{"effect": effect, "action": list(actions), "resource": [resource]}]}


class Cam(Api):
    """The roles and policies of one account. `lag`: so many looks do not show yet what was made."""

    version, table = "2019-01-16", CAM

    def __init__(self, now: Callable[[], float], ways: Mapping[str, Any]) -> None:
        super().__init__(now, ways)
        self.policies: dict[int, dict[str, Any]] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        for name, actions in PRESETS.items():
            self.policy(name, grant(*actions), preset=True)

    def policy(self, name: str, document: Mapping[str, Any] | str, *, preset: bool = False) -> int:
        number = (1 if preset else 100) + len(self.policies)
        self.policies[number] = {"name": name, "document": document, "preset": preset}
        return number

    def role(self, name: str = ROLE_OF_CVM, *policies: str, trusts: Mapping[str, Any] | None = None) -> None:
        """A role with these policies attached, by their names."""
        numbers = [self._number(policy) for policy in policies or ("QcloudCOSDataFullControl",)]
        self.roles[name] = {"trust": trusts or trust("cvm.qcloud.com"), "attached": numbers, "unseen": 0}

    def _number(self, name: str) -> int:
        found = next((number for number, policy in self.policies.items() if policy["name"] == name), None)
        if found is None:
            raise RefusedError("InvalidParameter.PolicyIdNotExist", name)
        return found

    def _role(self, name: str, *, looks: bool = True) -> dict[str, Any]:
        role = self.roles.get(name)
        if role is not None and looks and role["unseen"]:
            role["unseen"] -= 1
            role = None
        if role is None:
            raise RefusedError(self.ways.get("no role", "InvalidParameter.RoleNotExist"), "role not exist")
        return role

    def in_words(self, document: Mapping[str, Any] | str) -> str:
        return document if isinstance(document, str) else documents.written(document, self.ways)

    # --------------------------------------------------------------------------------------------------- looking

    def do_GetRole(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        role = self._role(values["RoleName"])
        info = {"RoleId": "4611686018427733635", "RoleName": values["RoleName"],
                "PolicyDocument": self.in_words(role["trust"]), "Description": "", "AddTime": self._stamp(),
                "UpdateTime": self._stamp(), "ConsoleLogin": 0, "RoleType": None, "SessionDuration": None,
                "DeletionTaskId": None, "Tags": None, "RoleArn": None}  # fmt: skip
        if "few fields" in self.ways:
            info = {name: info[name] for name in ("RoleName", "PolicyDocument")}
        return {"RoleInfo": info, **({"NewField": [{}]} if "extra fields" in self.ways else {})}

    def _stamp(self) -> str:
        return self.stamp("%Y-%m-%d %H:%M:%S")

    def do_ListAttachedRolePolicies(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if not 1 <= values["Rp"] <= 200 or values["Page"] < 1:
            raise RefusedError("InvalidParameter.ParamError")
        attached = self._role(values["RoleName"])["attached"]
        size = min(values["Rp"], self.ways.get("page", 200))
        rows = [self._row(number) for number in attached[(values["Page"] - 1) * size : values["Page"] * size]]
        if not rows and "null lists" in self.ways:
            return {"List": None, "TotalNum": len(attached)}
        return {"List": rows, "TotalNum": self._as_number(len(attached))}

    def _row(self, number: int) -> dict[str, Any]:
        policy = self.policies[number]
        row = {"PolicyId": self._as_number(number), "PolicyName": policy["name"], "AddTime": self._stamp(),
               "PolicyType": "QCS" if policy["preset"] else "User", "CreateMode": 2, "Deactived": 0,
               "DeactivedDetail": None, "Description": None}  # fmt: skip
        return {name: row[name] for name in ("PolicyId", "PolicyName")} if "few fields" in self.ways else row

    def _as_number(self, number: int) -> int | str:
        return str(number) if "numbers as text" in self.ways else number

    def do_GetPolicy(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        policy = self.policies.get(values["PolicyId"])
        if policy is None:
            raise RefusedError(self.ways.get("no policy", "ResourceNotFound.PolicyIdNotFound"))
        found = {"PolicyName": policy["name"], "Description": "", "Type": 2 if policy["preset"] else 1,
                 "AddTime": self._stamp(), "UpdateTime": self._stamp(), "PolicyDocument": self.in_words(policy["document"]),
                 "PresetAlias": None, "IsServiceLinkedRolePolicy": 0, "Tags": []}  # fmt: skip
        return {"PolicyDocument": found["PolicyDocument"]} if "few fields" in self.ways else found

    def do_GetUserAppId(self, _values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        number: int | str = self.ways.get("app id", 1250000000)
        return {"Uin": ACCOUNT, "OwnerUin": ACCOUNT, "AppId": str(number) if "numbers as text" in self.ways else number}

    # -------------------------------------------------------------------------------------------------- changing

    def do_CreateRole(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if values["RoleName"] in self.roles:
            raise RefusedError("InvalidParameter.RoleNameInUse")
        self.roles[values["RoleName"]] = {"trust": self._document(values), "attached": [],
                                          "unseen": self.ways.get("lag", 0)}  # fmt: skip
        return {"RoleId": "4611686018427733636"}

    @staticmethod
    def _document(values: Mapping[str, Any]) -> str:
        try:
            documents.statements(values["PolicyDocument"])
        except ValueError as error:
            raise RefusedError("InvalidParameter.PolicyDocumentError") from error
        text: str = values["PolicyDocument"]
        return text

    def do_UpdateAssumeRolePolicy(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        self._role(values["RoleName"], looks=False)["trust"] = self._document(values)
        return {}

    def do_CreatePolicy(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        if any(policy["name"] == values["PolicyName"] for policy in self.policies.values()):
            raise RefusedError("FailedOperation.PolicyNameInUse")
        return {"PolicyId": self.policy(values["PolicyName"], self._document(values))}

    def do_AttachRolePolicy(self, values: Mapping[str, Any], _region: str) -> dict[str, Any]:
        number = values.get("PolicyId") or self._number(values["PolicyName"])
        attached = self._role(values["AttachRoleName"], looks=False)["attached"]
        if number not in attached:
            attached.append(number)
        return {}


class TencentSts(Api):
    """Who is asking. `caller` chooses one of the vendor's kinds."""

    version, table = "2018-08-13", {"GetCallerIdentity": {}}

    def do_GetCallerIdentity(self, _values: Mapping[str, Any], region: str) -> dict[str, Any]:
        if not region:
            raise RefusedError("MissingParameter", "Region")
        kinds = {
            "owner": (f"qcs::cam::uin/{ACCOUNT}:uin/{ACCOUNT}", ACCOUNT, "CAMUser"),
            "user": (f"qcs::cam::uin/{ACCOUNT}:uin/200", "200", "CAMUser"),
            "role": ("qcs::sts:1250000000:assumed-role/4611686018427733635/me", "4611686018427733635:me", "CAMRole"),
            "federated": (f"qcs::sts:1250000000:federated-user/{ACCOUNT}", f"{ACCOUNT}:me", ""),
        }  # fmt: skip
        arn, user, word = kinds[self.ways.get("caller", "owner")]
        account: int | str = int(ACCOUNT) if "numbers" in self.ways else ACCOUNT
        found = {"Arn": arn, "AccountId": account, "UserId": user, "PrincipalId": user, "Type": word or None}
        return {name: found[name] for name in ("Arn", "AccountId")} if "few fields" in self.ways else found
