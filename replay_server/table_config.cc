#include "replay_server/table_config.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/process/status.h"
#include "replay_server/column_store.h"
#include "replay_server/committer.h"
#include "replay_server/limiter.h"
#include "replay_server/selectors/selector.h"

namespace estuary::replay {
namespace {

// Names become folders and labels.
bool UsableName(const std::string& name) {
  if (name.empty() || name.size() > 64) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

constexpr double kMostExponent = 4;
constexpr uint32_t kMostTimes = 1 << 20;

absl::Status CheckSelector(const v1::TableConfig& config) {
  if (!v1::Selector_IsValid(config.selector())) {
    return absl::InvalidArgumentError(
        absl::StrCat("selector is ", static_cast<int>(config.selector()),
                     ", which is none: SELECTOR_UNIFORM, _FIFO or _PRIORITIZED"));
  }
  const double exponent = config.priority_exponent();
  if (config.selector() != v1::SELECTOR_PRIORITIZED && exponent != 0) {
    return absl::InvalidArgumentError(absl::StrCat("priority_exponent is ", exponent,
                                                   ", but the selector does not draw by priorities;"
                                                   " make it SELECTOR_PRIORITIZED"));
  }
  if (!(exponent >= 0 && exponent <= kMostExponent)) {
    return absl::InvalidArgumentError(
        absl::StrCat("priority_exponent is ", exponent, "; it must be 0 to ", kMostExponent));
  }
  return absl::OkStatus();
}

absl::Status CheckConsumption(const v1::TableConfig& config, uint64_t capacity) {
  const uint32_t times = config.max_times_sampled();
  if (times == 0) return absl::OkStatus();
  const bool in_order = config.selector() == v1::SELECTOR_FIFO;
  const bool evicts = config.remover() == v1::REMOVER_FIFO;
  if (times > kMostTimes) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_times_sampled is ", times, "; at most ", kMostTimes));
  }
  if (config.durability() == v1::DURABILITY_DISK) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_times_sampled ", times, " needs DURABILITY_MEMORY: the log on disk does ",
                     "not know what was sampled, and rows that went would come back"));
  }
  if (!evicts && !in_order) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_times_sampled ", times, " with REMOVER_NONE needs SELECTOR_FIFO: room ",
                     "comes back in the order in which the rows came; or let the table evict"));
  }
  if (!config.has_limiter()) return absl::OkStatus();
  return process::Annotate(
      Limiter::CheckConsumed(
          config.limiter(),
          {.capacity = capacity, .max_times = times, .evicts = evicts, .in_order = in_order}),
      "limiter");
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
  ESTUARY_RETURN_IF_ERROR(CheckSelector(config));
  const uint64_t capacity = RowCapacity(config, *schema);
  if (config.has_limiter()) {
    ESTUARY_RETURN_IF_ERROR(Limiter::Check(config.limiter(), capacity));
  }
  return CheckConsumption(config, capacity);
}

uint64_t TableBytes(const v1::TableConfig& config) {
  const absl::StatusOr<transition::Schema> schema = transition::Schema::FromProto(config.schema());
  if (!schema.ok()) return 0;
  const uint64_t capacity = RowCapacity(config, *schema);
  // A durable table's writers queue rows, which are then encoded.
  const uint64_t queues =
      config.durability() == v1::DURABILITY_DISK ? 3 * Committer::kQueueBytes : 0;
  return ColumnStore::BytesFor(*schema, capacity) +
         static_cast<uint64_t>(SelectorBytesPerRow(config) * static_cast<double>(capacity)) +
         queues;
}

}  // namespace

std::string Differences(const v1::TableConfig& was, const v1::TableConfig& is) {
  std::string text;
  const google::protobuf::Reflection& reflection = *was.GetReflection();
  const auto print = [&](const v1::TableConfig& config,
                         const google::protobuf::FieldDescriptor* field) -> std::string {
    if (field->message_type() != nullptr) {
      if (!reflection.HasField(config, field)) return "none";
      return absl::StrCat("{ ", reflection.GetMessage(config, field).ShortDebugString(), " }");
    }
    std::string value;
    google::protobuf::TextFormat::PrintFieldValueToString(config, field, -1, &value);
    return value;
  };
  for (int i = 0; i < was.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = was.GetDescriptor()->field(i);
    const std::string before = print(was, field);
    const std::string now = print(is, field);
    if (before == now) continue;
    absl::StrAppend(&text, text.empty() ? "" : "; ", field->name(), " ", before, ", now ", now);
  }
  return text;
}

uint64_t RowCapacity(const v1::TableConfig& config, const transition::Schema& schema) {
  if (config.capacity_bytes() == 0) return config.capacity();
  const double row_bytes = static_cast<double>(schema.row_bytes()) + SelectorBytesPerRow(config);
  return std::min(config.capacity(),
                  static_cast<uint64_t>(static_cast<double>(config.capacity_bytes()) / row_bytes));
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
