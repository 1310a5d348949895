#!/bin/sh
# The whole story on one machine: validate, preview, apply, change one line, drift, destroy.
# Works on a copy in .demo/, so the example itself stays as it is.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
demo="$here/../../.demo/fraud-detection"

say() { printf '\n==> %s\n' "$1"; }
run() { printf '$ mlops-iac %s\n' "$*"; mlops-iac "$@"; }

if [ -d "$demo/.mlops-iac" ]; then
  say "An earlier demo is still deployed: destroying it first"
  mlops-iac destroy -C "$demo" --yes --forget
fi
rm -rf "$demo"
mkdir -p "$demo"
cp -r "$here/system.yaml" "$here/steps" "$demo/"

say "1. The configuration is valid"
run validate -C "$demo"

say "2. A typo is found before anything happens"
cp "$demo/system.yaml" "$demo/good.yaml"
sed 's/registry: fraud-scorer, stage/registry: fraud-scrorer, stage/' "$demo/good.yaml" > "$demo/system.yaml"
if run validate -C "$demo"; then
  echo "the typo was not found" >&2
  exit 1
fi
mv "$demo/good.yaml" "$demo/system.yaml"

say "3. What would be made, and which policies judged it"
run preview -C "$demo"

say "4. Apply it to this machine (a moto server stands in for AWS)"
run up -C "$demo" --yes

say "5. A second apply changes nothing"
run up -C "$demo" --yes

say "6. Change one line of YAML: keep raw data for 500 days instead of 400"
sed 's/keep: 400d/keep: 500d/' "$demo/system.yaml" > "$demo/next.yaml"
mv "$demo/next.yaml" "$demo/system.yaml"
run preview -C "$demo"
run up -C "$demo" --yes

say "7. Somebody changes a bucket behind our back; refresh shows the drift"
python - "$demo" <<'PYTHON'
import json, pathlib, sys

import boto3

server = json.loads((pathlib.Path(sys.argv[1]) / ".mlops-iac" / "moto.json").read_text())
s3 = boto3.client(
    "s3", endpoint_url=f"http://127.0.0.1:{server['port']}", region_name="eu-west-1",
    aws_access_key_id="demo", aws_secret_access_key="demo",
)
bucket = next(b["Name"] for b in s3.list_buckets()["Buckets"] if "raw" in b["Name"])
s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
print(f"(suspended the versioning of {bucket} with boto3)")
PYTHON
run refresh -C "$demo"

say "8. The next apply puts it right"
run up -C "$demo" --yes

say "9. Outputs"
run outputs -C "$demo" --layer serving

say "10. Destroy refuses to touch the bucket of released models: it is protected"
if run destroy -C "$demo" --yes; then
  echo "the protected bucket was deleted" >&2
  exit 1
fi

say "11. Lift the protection, apply, destroy"
run up -C "$demo" --yes buckets.models.protect=null
run destroy -C "$demo" --yes buckets.models.protect=null
say "The demo is over: everything was declared, reviewed, applied, changed, checked and removed."
