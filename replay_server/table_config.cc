#include "replay_server/table_config.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/process/files.h"
#include "common/process/status.h"
#include "replay_server/limiter.h"

namespace estuary::replay {
namespace {

// Names become folders and labels.
bool UsableName(const std::string& name) {
  if (name.empty() || name.size() > 64) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

absl::Status CheckFields(const v1::TableConfig& config) {
  const absl::StatusOr<transition::Schema> schema = transition::Schema::FromProto(config.schema());
  if (!schema.ok()) return schema.status();
  if (config.capacity() == 0) return absl::InvalidArgumentError("capacity is 0 rows");
  if (config.capacity() > (uint64_t{1} << 40) / schema->row_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat("capacity of ", config.capacity(), " rows of ",
                                                   schema->row_bytes(), " bytes is above 1 TiB"));
  }
  if (RowCapacity(config, *schema) == 0) {
    return absl::InvalidArgumentError(absl::StrCat("capacity_bytes ", config.capacity_bytes(),
                                                   " holds no row of ", schema->row_bytes(),
                                                   " bytes"));
  }
  if (config.remover() == v1::REMOVER_UNSPECIFIED) {
    return absl::InvalidArgumentError("remover is not given: REMOVER_NONE or REMOVER_FIFO");
  }
  if (config.durability() == v1::DURABILITY_UNSPECIFIED) {
    return absl::InvalidArgumentError("durability is not given: DURABILITY_MEMORY or _DISK");
  }
  if (!config.has_limiter()) return absl::OkStatus();
  return Limiter::Check(config.limiter(), RowCapacity(config, *schema));
}

uint64_t TableBytes(const v1::TableConfig& config) {
  const absl::StatusOr<transition::Schema> schema = transition::Schema::FromProto(config.schema());
  return schema.ok() ? RowCapacity(config, *schema) * schema->row_bytes() : 0;
}

}  // namespace

uint64_t RowCapacity(const v1::TableConfig& config, const transition::Schema& schema) {
  if (config.capacity_bytes() == 0) return config.capacity();
  return std::min(config.capacity(), config.capacity_bytes() / schema.row_bytes());
}

absl::Status CheckTableConfig(const v1::TableConfig& config) {
  if (!UsableName(config.name())) {
    return absl::InvalidArgumentError(
        absl::StrCat("table name '", config.name(), "': 1 to 64 of a-z, 0-9 and _"));
  }
  return process::Annotate(CheckFields(config), absl::StrCat("table '", config.name(), "'"));
}

absl::Status CheckTableConfigs(const v1::TableConfigs& configs) {
  if (configs.tables().empty()) return absl::InvalidArgumentError("no table is configured");
  std::set<std::string> names;
  for (const v1::TableConfig& config : configs.tables()) {
    ESTUARY_RETURN_IF_ERROR(CheckTableConfig(config));
    if (!names.insert(config.name()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("table '", config.name(), "' is configured twice"));
    }
  }
  return absl::OkStatus();
}

uint64_t BytesNeeded(const v1::TableConfigs& configs) {
  uint64_t bytes = 0;
  for (const v1::TableConfig& config : configs.tables()) bytes += TableBytes(config);
  return bytes;
}

uint64_t MemoryOfMachine() {
  uint64_t bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const absl::StatusOr<std::string> text = process::ReadFile(path);
    uint64_t limit = 0;
    // "max" is no number: no limit.
    if (text.ok() && absl::SimpleAtoi(*text, &limit)) bytes = std::min(bytes, limit);
  }
  return bytes;
}

absl::Status CheckMemory(const v1::TableConfigs& configs, uint64_t limit) {
  const uint64_t needed = BytesNeeded(configs);
  if (needed <= limit) return absl::OkStatus();
  std::string sums;
  for (const v1::TableConfig& config : configs.tables()) {
    absl::StrAppend(&sums, sums.empty() ? "" : " + ", config.name(), " ", TableBytes(config) >> 20,
                    " MiB");
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("the tables may grow to ", needed >> 20, " MiB (", sums, "), but only ",
                   limit >> 20, " MiB may be used; lower a capacity or raise --memory_limit"));
}

}  // namespace estuary::replay
