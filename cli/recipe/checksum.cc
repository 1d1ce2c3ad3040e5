#include "cli/recipe/checksum.h"

#include <cmath>

#include "absl/strings/str_format.h"
#include "cli/progress/format.h"
#include "common/process/sha256.h"

namespace estuary::cli {
namespace {

// The longest beginning of the dataset that is the recipe's; 0 where none is known.
uint64_t EqualBeginning(const Recipe& recipe, const worlds::DatasetColumns& columns) {
  uint64_t longest = 0;
  for (const v1::DatasetChecksum& part : recipe.text.checksums()) {
    if (part.rows() >= columns.size() || part.rows() <= longest) continue;
    if (ChecksumRows(columns, part.rows()).sha256() == part.sha256()) longest = part.rows();
  }
  return longest;
}

}  // namespace

v1::DatasetChecksum ChecksumRows(const worlds::DatasetColumns& columns, uint64_t rows) {
  v1::DatasetChecksum checksum;
  checksum.set_rows(rows);
  process::Sha256Stream sum;
  const size_t obs = columns.observation_dim;
  const size_t act = columns.action_dim;
  double total = 0;
  uint64_t episodes = 0;
  for (uint64_t i = 0; i < rows; ++i) {
    const uint8_t terminal = columns.terminal[i];
    const uint8_t timeout =
        i + 1 == rows ? static_cast<uint8_t>(terminal == 0) : columns.timeout[i];
    sum.Add(&columns.observation[i * obs], obs * sizeof(float));
    sum.Add(&columns.action[i * act], act * sizeof(float));
    sum.Add(&columns.reward[i], sizeof(float));
    sum.Add(&columns.next_observation[i * obs], obs * sizeof(float));
    sum.Add(&terminal, 1);
    sum.Add(&timeout, 1);
    total += columns.reward[i];
    episodes += terminal != 0 || timeout != 0;
  }
  checksum.set_sha256(sum.Finish());
  checksum.set_episodes(episodes);
  const double mean = episodes == 0 ? 0 : total / static_cast<double>(episodes);
  checksum.set_mean_return(std::round(mean * 100) / 100);
  return checksum;
}

std::string Compare(const Recipe& recipe, const worlds::DatasetColumns& columns,
                    const v1::DatasetChecksum& actual) {
  const v1::DatasetChecksum* const expected = recipe.ChecksumOf(actual.rows());
  if (expected == nullptr || expected->sha256() == actual.sha256()) return "";
  const uint64_t equal = EqualBeginning(recipe, columns);
  return absl::StrFormat(
      "%s: other bits than where the recipe was written. There: sha256 %s, %s episodes, mean "
      "return "
      "%.2f; here: %s, %s episodes, %.2f; %s. The rounding of sin, cos, exp and tanh differs "
      "between "
      "processors (with and without FMA), versions of libm and of MuJoCo; a difference in the last "
      "bit "
      "grows within an episode until nothing is the same. Where episodes and return are close the "
      "data "
      "are of the same kind",
      recipe.name, expected->sha256(), WithCommas(expected->episodes()), expected->mean_return(),
      actual.sha256(), WithCommas(actual.episodes()), actual.mean_return(),
      equal == 0 ? "no beginning of it is known to be equal"
                 : absl::StrFormat("the first %s rows are equal", WithCommas(equal)));
}

}  // namespace estuary::cli
