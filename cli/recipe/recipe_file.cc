#include "cli/recipe/recipe_file.h"

#include <google/protobuf/text_format.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/process/files.h"
#include "common/process/textproto.h"

namespace estuary::cli {
namespace {

// "parts { rows: 5000 seed: 1 }".
std::string Line(const char* field, const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  return absl::StrCat(field, " { ", text, "}\n");
}

}  // namespace

absl::Status WriteRecipe(const std::string& path, const v1::DatasetRecipe& recipe) {
  v1::DatasetRecipe head = recipe;
  head.clear_parts();
  head.clear_checksums();
  std::string text = process::ToTextProto(head);
  for (const v1::DatasetPart& part : recipe.parts()) text += Line("parts", part);
  for (const v1::DatasetChecksum& sum : recipe.checksums()) text += Line("checksums", sum);
  return process::WriteFileAtomically(path, text);
}

absl::Status WriteChecksum(const Recipe& recipe, const v1::DatasetChecksum& checksum) {
  v1::DatasetRecipe text = recipe.text;
  auto& sums = *text.mutable_checksums();
  const auto same = std::find_if(sums.begin(), sums.end(), [&](const v1::DatasetChecksum& sum) {
    return sum.rows() == checksum.rows();
  });
  (same == sums.end() ? *sums.Add() : *same) = checksum;
  return WriteRecipe(recipe.path, text);
}

}  // namespace estuary::cli
