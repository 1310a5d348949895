from __future__ import annotations

import pytest

CLUSTER = """
clusters:
  research:
    version: "1.35"
    pools: {system: {instance_type: m6i.large, min_nodes: 2, max_nodes: 4}}
    queues: {risk-team: {cpu: 16}}
"""
TRACKING = f"{CLUSTER}\ntracking: {{tool: mlflow, backend: kubernetes, cluster: research}}\n"
PROD = """
env: {name: prod, protect_data: true, force_destroy: false, multi_az: true, deletion_window: 30d,
      log_retention: 400d, backup_retention: 90d}
"""
EXPOSED = f"""{CLUSTER}
tracking:
  cluster: research
  expose:
    host: mlflow.ml.example.com
    certificate: arn:aws:acm:eu-west-1:111122223333:certificate/1
    zone_id: Z1
"""


def pod(system):
    return system.inputs("tracking.server")["spec"]["template"]["spec"]


def test_the_database_is_private_encrypted_and_keeps_its_own_password(compiled):
    database = compiled(TRACKING).inputs("tracking.database")
    assert database["storageEncrypted"] and database["manageMasterUserPassword"]
    assert database["publiclyAccessible"] is False
    assert "password" not in database
    parameters = compiled(TRACKING).inputs("tracking.database-parameters")["parameters"]
    assert {"name": "rds.force_ssl", "value": "1"} in parameters
    (rule,) = [n for n in compiled(TRACKING).of_type(":SecurityGroupIngressRule") if n.name.startswith("tracking.")]
    assert rule.inputs["fromPort"] == rule.inputs["toPort"] == 5432


def test_production_keeps_its_data(compiled):
    system = compiled(PROD + TRACKING)
    database = system.inputs("tracking.database")
    assert database["multiAz"] and database["deletionProtection"]
    assert (database["skipFinalSnapshot"], database["backupRetentionPeriod"]) == (False, 35)
    assert system.node("tracking.database").options.protect
    assert system.node("tracking.artifacts").options.protect
    assert system.inputs("tracking.server")["spec"]["replicas"] == 2


def test_development_runs_one_server(compiled):
    assert compiled(TRACKING).inputs("tracking.server")["spec"]["replicas"] == 1
    assert compiled(TRACKING).inputs("tracking.database")["skipFinalSnapshot"] is True


def test_pods_meet_the_restricted_profile(compiled):
    spec = pod(compiled(TRACKING))
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    for container in (*spec["containers"], *spec["initContainers"]):
        context = container["securityContext"]
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert "@sha256:" in container["image"]
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
    assert {next(iter(volume.keys() - {"name"})) for volume in spec["volumes"]} == {"emptyDir", "configMap"}


def test_the_password_is_read_by_a_sidecar_into_memory(compiled):
    system = compiled(TRACKING)
    spec = pod(system)
    (sidecar,) = spec["initContainers"]
    assert sidecar["restartPolicy"] == "Always"
    variables = {item["name"]: item["value"] for item in sidecar["env"]}
    assert variables["LOGIN_ARN"] == "tracking.database.masterUserSecrets.0.secretArn"
    volume = next(volume for volume in spec["volumes"] if volume["name"] == "login")
    assert volume["emptyDir"]["medium"] == "Memory"
    store = next(text for text in spec["containers"][0]["args"] if text.startswith("--backend-store-uri"))
    assert store == (
        "--backend-store-uri=postgresql://mlflow@tracking.database.address:5432/mlflow"
        "?sslmode=require&passfile=/run/login/pgpass"
    )


def test_the_server_may_read_its_bucket_and_its_secret_only(compiled):
    statements = compiled(TRACKING).inputs("tracking.server-role-policy")["policy"]["Statement"]
    resources = [resource for statement in statements for resource in statement["Resource"]]
    assert set(resources) == {
        "tracking.artifacts.arn",
        "tracking.artifacts.arn/*",
        "tracking.database.masterUserSecrets.0.secretArn",
        "foundation:keys.internal_arn",
    }


def test_teams_reach_the_server_and_the_server_its_database(compiled):
    system = compiled(TRACKING)
    (rule,) = system.inputs("tracking.from-callers")["spec"]["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "risk-team"}}}]
    (rule,) = system.inputs("tracking.to-database")["spec"]["egress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5432}]


def test_an_exposed_server_has_tls_inside_the_vpc_only(compiled):
    system = compiled(EXPOSED)
    balancer = system.inputs("tracking.balancer")
    annotations = balancer["metadata"]["annotations"]
    assert annotations["service.beta.kubernetes.io/aws-load-balancer-internal"] == "true"
    assert annotations["service.beta.kubernetes.io/aws-load-balancer-ssl-ports"] == "443"
    assert balancer["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/16"]
    assert system.inputs("tracking.host-name")["name"] == "mlflow.ml.example.com"
    args = pod(system)["containers"][0]["args"]
    assert any(text.endswith(",mlflow.ml.example.com") for text in args if text.startswith("--allowed-hosts="))
    outputs = system.graph.stack("models").outputs
    assert outputs["tracking.uri"] == "https://mlflow.ml.example.com"


def test_a_new_login_program_restarts_the_pods(compiled):
    system = compiled(TRACKING)
    program = system.inputs("tracking.login-program")
    assert program["immutable"] is True
    assert "def main(" in program["data"]["login.py"]
    volume = next(volume for volume in pod(system)["volumes"] if volume["name"] == "program")
    assert volume["configMap"]["name"] == "tracking.login-program.metadata.name"
    assert program["metadata"]["name"].startswith("database-login-")


@pytest.mark.parametrize(
    ("more", "path", "code"),
    [
        (
            "expose: {host: m.example.com, certificate: 'arn:aws:acm:us-east-1:111122223333:certificate/1'}",
            ("expose", "certificate"),
            "MI3311",
        ),
        ("database: {storage: 100GiB, max_storage: 50GiB}", ("database", "max_storage"), "MI3312"),
        ("image: docker.io/mlflow:latest", ("image",), "MI2"),
        ("tool: wandb", ("tool",), "MI2"),
    ],
)
def test_what_cannot_work_is_refused(problems, more, path, code):
    found = problems(f"{CLUSTER}\ntracking: {{cluster: research, {more}}}")
    assert found[("tracking", *path)].startswith(code)
