#!/usr/bin/env bash
# package_test.sh amd64|arm64: the packages build, and what is in them is right.
source "$(dirname "$0")/lib.sh"
arch=$1
cd "$source_dir"
if [[ $arch == amd64 ]]; then build=build/robot machine=X86-64; else build=build/arm64 machine=AArch64; fi

source scripts/versions.env
packages="$DEBIAN_PACKAGES $PACKAGE_DEBIAN_PACKAGES"
[[ $arch == arm64 ]] && packages+=" $PACKAGE_ARM64_DEBIAN_PACKAGES"
for package in $packages; do
  if ! dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii'; then
    need_root "to install $package"
    need_registry
  fi
done
[[ $arch == arm64 && ! -f build/sysroot-arm64/.packages ]] && need_registry

say "building"
debs=$(scripts/package "$arch")
bridge=$(grep "/estuary-bridge_.*_$arch.deb" <<<"$debs") || fail "no estuary-bridge package: $debs"
client=$(grep "/estuary-robot-client_.*_$arch.deb" <<<"$debs") || fail "no estuary-robot-client package: $debs"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
dpkg-deb -x "$bridge" "$tree/bridge"
dpkg-deb -x "$client" "$tree/client"
dpkg-deb -e "$bridge" "$tree/control"

say "what is in them"
for file in usr/bin/estuary-bridge usr/bin/estuary lib/systemd/system/estuary-bridge.service etc/estuary/bridge.conf \
  etc/estuary/certs usr/share/doc/estuary-bridge/connect-your-robot.md usr/share/man/man8/estuary-bridge.8.gz; do
  [[ -e $tree/bridge/$file ]] || fail "$bridge has no $file"
done
extra=$(cd "$tree/bridge" && find . -type f | grep -vE '^\./(usr/bin/estuary(-bridge)?|lib/systemd/system/estuary-bridge\.service|etc/estuary/bridge\.conf|usr/share/(doc/estuary-bridge|man|lintian)/.*)$' || true)
[[ -z $extra ]] || fail "$bridge has what nobody asked for: $extra"
grep -qx /etc/estuary/bridge.conf "$tree/control/conffiles" || fail "bridge.conf is no conffile"
triplet=$(ls "$tree/client/usr/lib")
for file in lib/$triplet/libestuary_robot_client.so lib/$triplet/libestuary_robot_frames.a \
  lib/$triplet/cmake/Estuary/EstuaryConfig.cmake include/estuary/estuary_robot.h \
  include/estuary/robot_bridge/client/connect.h share/doc/estuary-robot-client/examples/robot.cc; do
  [[ -e $tree/client/usr/$file ]] || fail "$client has no usr/$file"
done
for deb in "$bridge" "$client"; do
  [[ $(dpkg-deb -f "$deb" Architecture) == "$arch" ]] || fail "$deb is for $(dpkg-deb -f "$deb" Architecture)"
  depends=$(dpkg-deb -f "$deb" Depends)
  expect 'libgrpc\+\+1' "$depends"
  expect 'libc6 \(>=' "$depends"
  expect_not 'torch|hdf5|mujoco|python|-dev' "$depends"
done
expect adduser "$(dpkg-deb -f "$bridge" Depends)"
[[ -z $(find "$tree" -perm /022 ! -type l -print -quit) ]] || fail "others may write: $(find "$tree" -perm /022 ! -type l)"

say "what they need at run time"
# Debian's gRPC, protobuf, Abseil, Prometheus client, logging, TLS and the C and C++ libraries, and nothing else.
allowed='^(lib(grpc(\+\+(_reflection)?)?|gpr|protobuf|absl_[a-z0-9_]+|prometheus-cpp-(core|pull)|spdlog|fmt|crypto|ssl|z|stdc\+\+|gcc_s|m|c|estuary_robot_client)\.so.*|ld-linux-[a-z0-9-]+\.so.*)$'
for file in "$tree"/bridge/usr/bin/* "$tree/client/usr/lib/$triplet/libestuary_robot_client.so"; do
  dynamic=$(readelf -dhW "$file")
  expect "Machine:.*$machine" "$dynamic"
  expect 'BIND_NOW' "$dynamic"
  expect_not 'RPATH|RUNPATH' "$dynamic"
  needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic")
  [[ -n $needed ]] || fail "$file needs no library at all"
  bad=$(grep -vE "$allowed" <<<"$needed" || true)
  [[ -z $bad ]] || fail "$(basename "$file") needs $bad"
  echo "$(basename "$file"): $(stat -Lc %s "$file") bytes, needs" $needed
done
exported=$(nm -DC --defined-only "$tree/client/usr/lib/$triplet/libestuary_robot_client.so")
expect 'estuary::bridge::ConnectRobot' "$exported"
expect_not 'estuary::v1|spdlog|process::' "$exported"
kernels=$(nm -C "$build/bin/estuary-bridge" | grep -ciE 'avx(2|512)' || true)
if [[ $arch == amd64 ]]; then
  ((kernels > 0)) || fail "the amd64 bridge has no AVX kernels"
else
  ((kernels == 0)) || fail "the arm64 bridge has AVX kernels"
fi

say "the service"
need_program systemd-analyze systemd
unit=$tree/bridge/lib/systemd/system/estuary-bridge.service
# Verified as it is, but for the binary's place and the man page, which are not installed here.
mkdir "$tree/unit"
sed "s|/usr/bin/estuary-bridge |$(command -v true) |" "$unit" >"$tree/unit/estuary-bridge.service"
complaints=$(systemd-analyze verify --man=no "$tree/unit/estuary-bridge.service" 2>&1 | grep estuary-bridge || true)
[[ -z $complaints ]] || fail "systemd-analyze verify: $complaints"
exposure=$(systemd-analyze security --offline=yes --no-pager --threshold=25 "$unit") || fail "too exposed: $exposure"
tail -n 1 <<<"$exposure"

say "lintian"
need_program lintian lintian
lintian --fail-on error,warning --tag-display-limit 0 "$bridge" "$client" || fail "lintian complains"

for script in postinst prerm postrm; do sh -n "$tree/control/$script" || fail "$script is no shell script"; done
say "sizes"
for deb in "$bridge" "$client"; do
  echo "$(basename "$deb"): $(stat -c %s "$deb") bytes, installed $(dpkg-deb -f "$deb" Installed-Size) KiB"
done
