// Who makes which corpus's well-formed inputs. A new fuzzer declares its maker here, defines it in
// <name>_seeds.cc and gives it a line in seeds.cc.
#pragma once

#include <cstdint>
#include <string>

namespace estuary::fuzz {

class Seeds {
 public:
  explicit Seeds(std::string folder);
  void Add(const std::string& name, const std::string& input);

 private:
  std::string folder_;
};

// As Input::Number and Input::Piece read them.
template <class T>
void AppendNumber(T value, std::string& input) {
  input.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
inline void AppendPiece(const std::string& piece, std::string& input) {
  AppendNumber(static_cast<uint32_t>(piece.size()), input);
  input.append(piece);
}

void SeedAppendBlock(Seeds& seeds);
void SeedCheckpointFile(Seeds& seeds);
void SeedHdf5Dataset(Seeds& seeds);
void SeedPolicyVersion(Seeds& seeds);
void SeedReplayStreams(Seeds& seeds);
void SeedRobotFrames(Seeds& seeds);
void SeedRobotLink(Seeds& seeds);
void SeedSegmentLog(Seeds& seeds);

}  // namespace estuary::fuzz
