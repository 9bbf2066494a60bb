#!/bin/sh
# Compares Convscope's reading and writing of ONNX with PyTorch and onnxruntime, and prints the
# figures as JSON (docs/results/onnx.json). It needs 8 GB of disk under the folder, and Python with
#     pip install torch torchvision onnx onnxruntime onnxscript
#
#     PYTHON=venv/bin/python scripts/onnx.sh FOLDER > docs/results/onnx.json
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
folder=${1:?usage: onnx.sh FOLDER}
mkdir -p "$folder"
exchange() {
    cargo run --quiet --manifest-path "$root/Cargo.toml" -p convscope-onnx --example exchange -- "$@"
}
"$python" "$root/scripts/onnx_compare.py" export "$folder" >&2
exchange read "$folder" > "$folder/read.json"
exchange write "$folder" > /dev/null
"$python" "$root/scripts/onnx_compare.py" check "$folder" > "$folder/checked.json"
"$python" "$root/scripts/onnx_compare.py" collect "$folder"
