// Writes the corpora's well-formed inputs, which a change of format makes again:
// fuzz_seeds CORPUS-FOLDER [NAME...]
#include "tests/fuzz/seeds.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace estuary::fuzz {

Seeds::Seeds(std::string folder) : folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
}

void Seeds::Add(const std::string& name, const std::string& input) {
  std::ofstream(folder_ + "/" + name, std::ios::binary) << input;
}

}  // namespace estuary::fuzz

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(estuary::fuzz::Seeds&)> makers = {
      {"append_block", &estuary::fuzz::SeedAppendBlock},
      {"checkpoint_file", &estuary::fuzz::SeedCheckpointFile},
      {"hdf5_dataset", &estuary::fuzz::SeedHdf5Dataset},
      {"policy_version", &estuary::fuzz::SeedPolicyVersion},
      {"replay_streams", &estuary::fuzz::SeedReplayStreams},
      {"robot_frames", &estuary::fuzz::SeedRobotFrames},
      {"robot_link", &estuary::fuzz::SeedRobotLink},
      {"segment_log", &estuary::fuzz::SeedSegmentLog},
  };
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s CORPUS-FOLDER [NAME...]\n", argv[0]);
    return 2;
  }
  const std::string corpus = argv[1];
  for (const auto& [name, make] : makers) {
    bool wanted = argc == 2;
    for (int i = 2; i < argc; ++i) wanted |= name == argv[i];
    if (!wanted) continue;
    estuary::fuzz::Seeds seeds(corpus + "/" + name);
    make(seeds);
  }
  return 0;
}
