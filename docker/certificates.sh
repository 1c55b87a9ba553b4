#!/bin/sh
# Makes the certificates of the demo's network, or renews them: a CA, and for each node a folder with its own files, so
# that no node gets the CA's key or another node's.
#   certificates.sh FOLDER     with FOLDER/ca, FOLDER/query, FOLDER/edge-1 and so on
set -eu
folder=$1

[ -f "$folder/ca/ca.key" ] || armorlake cert init --dir "$folder/ca"

make() {
  name=$1
  shift
  if [ -f "$folder/$name/$name.crt" ]; then
    armorlake cert renew "$name" --dir "$folder/ca" --out "$folder/$name"
  else
    armorlake cert issue "$name" --dir "$folder/ca" --out "$folder/$name" "$@"
  fi
}

make query --role query --host query
for name in edge-1 edge-2 edge-3 edge-host; do
  make "$name" --role edge
done
