#include "worlds/mujoco/model.h"

#include <string>

#include "absl/base/attributes.h"
#include "absl/base/const_init.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "worlds/mujoco/mjcf.h"

namespace estuary::worlds {
namespace {

struct SpecDeleter {
  void operator()(mjSpec* spec) const { mj_deleteSpec(spec); }
};

// MuJoCo would print each and write MUJOCO_LOG.TXT into the working folder; mjData counts them.
void IgnoreWarning(const char*) {}

// MuJoCo's handlers and parser have global state.
ABSL_CONST_INIT absl::Mutex compiler_mutex(absl::kConstInit);

}  // namespace

absl::StatusOr<ModelPtr> CompileModel(absl::string_view mjcf_path,
                                      absl::FunctionRef<absl::Status(mjSpec&)> edit) {
  const absl::StatusOr<absl::string_view> mjcf = EmbeddedMjcf(mjcf_path);
  if (!mjcf.ok()) return mjcf.status();
  absl::MutexLock lock(&compiler_mutex);
  mju_user_warning = IgnoreWarning;
  char error[1024] = "";
  const std::unique_ptr<mjSpec, SpecDeleter> spec(mj_parseXMLString(
      std::string(mjcf->data(), mjcf->size()).c_str(), /*vfs=*/nullptr, error, sizeof(error)));
  if (spec == nullptr) {
    return absl::InternalError(absl::StrCat("cannot parse worlds/", mjcf_path, ": ", error));
  }
  if (absl::Status edited = edit(*spec); !edited.ok()) return edited;
  ModelPtr model(mj_compile(spec.get(), /*vfs=*/nullptr));
  if (model == nullptr) {
    return absl::InternalError(
        absl::StrCat("cannot compile worlds/", mjcf_path, ": ", mjs_getError(spec.get())));
  }
  return model;
}

}  // namespace estuary::worlds
