#!/bin/sh
# Makes the pictures of docs/methods.md anew: scripts/method-pictures.sh [NAME...]
# With names (such as grad-cam or dream-google) only those. The photographs are those of the course's
# set `photos`, from $CONVSCOPE_MIRROR/photos. Where no command of `scope` draws a row, its figure is
# taken out of a saved notebook. It takes about ten minutes on two cores.
set -eu
cd "$(dirname "$0")/.."
photos=${CONVSCOPE_MIRROR:?name the folder that holds photos/}/photos
out=docs/img/methods
net=squeezenet1_0
wanted=" $* "
raw=$(mktemp -d)
trap 'rm -rf "$raw"' EXIT
mkdir -p "$out"
cargo build --quiet --release --package convscope-cli --bin scope --example small
shrink=target/release/examples/small

wants() {
    [ "$wanted" = "  " ] || case $wanted in *" $1 "*) ;; *) return 1 ;; esac
}

# make NAME WIDTH ARGUMENTS...: a picture by `scope ARGUMENTS`, as wide as that.
make() {
    name=$1 width=$2
    shift 2
    wants "$name" || return 0
    echo "$name"
    target/release/scope "$@" -o "$raw/$name.png" >"$raw/said" 2>&1 || { cat "$raw/said"; exit 1; }
    "$shrink" "$width" "$out" "$raw/$name.png"
}

# curve NAME ARGUMENTS...: a plot by `scope ARGUMENTS`.
curve() {
    name=$1
    shift
    wants "$name" || return 0
    echo "$name"
    target/release/scope "$@" -o "$raw/$name.svg" >"$raw/said" 2>&1 || { cat "$raw/said"; exit 1; }
    cp "$raw/$name.svg" "$out"
}

# from NAME WIDTH NOTEBOOK CELL [WHICH]: a picture or plot that a cell of a saved notebook shows.
from() {
    wants "$1" || return 0
    echo "$1"
    rm -f "$raw/$1".*
    python3 - "$raw/$1" notebooks/solutions/"$3"_*.ipynb "$4" "${5:-0}" <<'PYTHON'
import base64, json, re, sys
to, notebook, cell, which = sys.argv[1:]
outputs = next(c for c in json.load(open(notebook))["cells"] if c["id"] == cell)["outputs"]
shown = "".join("".join(o.get("data", {}).get("text/html", "")) for o in outputs)
kind, data = re.findall(r"data:image/(\w+)[^;]*;base64,([\w+/=]+)", shown)[int(which)]
open(f"{to}.{kind}", "wb").write(base64.b64decode(data))
PYTHON
    case $(echo "$raw/$1".*) in
    *.svg) cp "$raw/$1.svg" "$out" ;;
    *) "$shrink" "$2" "$out" "$raw/$1".* ;;
    esac
}

# Looking
make filters 320 filters $net --scale each
make activations 240 activations $net "$photos/flamingo.jpg" --layer features.5
from statistics 0 11 sparsity-plot
from receptive-field 200 11 boxes 1
make patches 320 patches $net "$photos" --layer features.10 --channel 326,368,338 --top 6
make neighbours 240 neighbours $net "$photos" --query elephant,flamingo --top 4
make embed-pca 280 embed $net "$photos" --how pca
make embed-tsne 280 embed $net "$photos" --how tsne
from trust 0 11 trust-table
from gratings 0 18 c18-024
from gabor 400 18 c18-050

# Attribution
for method in saliency input-x-gradient smoothgrad integrated-gradients guided-backprop \
    grad-cam guided-grad-cam occlusion lime; do
    make $method 200 explain $net "$photos/flamingo.jpg" --method $method --style overlay
done
# Of a class nothing arrives at the pixels here; of the unit that sees the dog's face much does.
make deconvnet 320 explain $net "$photos/doberman.jpg" --method deconvnet --layer features.10 --unit 326,8,11
from occlusion-maps 200 12 three-maps 2
from superpixels 200 12 superpixels

# Measures
curve deletion measure $net "$photos/flamingo.jpg" --what deletion
from pointing 0 12 measured-plot
from overlap 320 12 measure
curve sensitivity measure $net "$photos/flamingo.jpg" --what sensitivity --methods saliency,guided-backprop,grad-cam --neighbours 4
make drop 400 measure $net "$photos/flamingo.jpg" --what drop --methods grad-cam,occlusion,saliency
make randomisation 400 measure $net "$photos/flamingo.jpg" --what randomisation --methods saliency,grad-cam

# Images made by optimisation
from keras_filters 200 14 nb14024 9
for preset in cs231n lucid squeezenet; do
    make $preset 200 maximize $net --class flamingo --preset $preset
done
# At zeros the flamingo's score has no gradient; the daisy's has.
make simonyan 200 maximize $net --class daisy --preset simonyan
# Notebook 14 wakes units that are off at the start, without which these presets find nothing here.
from yosinski 400 14 nb14061
make small 200 maximize vgg_cifar10 --class 7 --preset small
make digits 200 maximize cnn2 --class 3 --preset digits
make google_deepdream 240 dream $net "$photos/swan.jpg" --layer features.9 --side 320
make google_guided 240 dream $net "$photos/bridge.jpg" --layer features.7 --guide "$photos/flamingo.jpg" --side 320
make google_noise 200 dream $net --class flamingo --preset google_noise --side 224
make keras_deepdream 240 dream $net "$photos/swan.jpg" --layer features.9 --preset keras_deepdream --side 320 --limit 1000000
make zoom 240 dream $net "$photos/swan.jpg" --layer features.9 --side 320 --zoom 4 --frames "$raw/zoom.gif"
make mahendran 400 invert $net "$photos/owl.jpg" --layer features.2,features.7,features.12
if wants codes || wants facets; then
    echo "codes, facets"
    cargo run --quiet --release --package convscope-vis --example codes_and_facets -- "$raw"
    "$shrink" 320 "$out" "$raw/codes.png" "$raw/facets.png"
fi

# Fooling
for how in fgsm pgd minimal; do
    make $how 320 fool $net "$photos/elephant.jpg" --how $how
done
make gradient 200 fool $net --how gradient --target flamingo
make evolution 320 fool cnn2 --how evolution
from rotation 0 16 c16-062
from epsilon 0 16 c16-044
from defence 0 16 c16-078
from logistic 0 16 c16-017
