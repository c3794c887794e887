// Union-find, and the numbering of its sets by their hubs.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <numeric>
#include <vector>

namespace vtok {

/// Disjoint sets of 0..n-1; the root of a set is its lowest member.
class Forest {
  std::vector<int> parent;

 public:
  explicit Forest(int n) : parent(size_t(n)) { std::iota(parent.begin(), parent.end(), 0); }
  int find(int i) {
    while (parent[size_t(i)] != i) i = parent[size_t(i)] = parent[size_t(parent[size_t(i)])];
    return i;
  }
  bool unite(int i, int j) {  // false: they were one set already
    i = find(i), j = find(j);
    if (i == j) return false;
    parent[size_t(i > j ? i : j)] = i > j ? j : i;
    return true;
  }
  int unite_root(int root, int j) {  // root: find() of a member; returns the root of both sets
    j = find(j);
    if (root == j) return root;
    return parent[size_t(root > j ? root : j)] = root > j ? j : root;
  }
};

/// Numbers the sets by the index of their hub, the member of highest degree (ties: the lowest index).
/// labels [n], hubs [n] (the first `return` are set).
inline int number_by_hub(Forest &sets, int n, const int *degrees, int *labels, int *hubs) {
  std::vector<int> hub(size_t(n), -1);  // of the set, at its root
  for (int i = 0; i < n; i++) {
    int &h = hub[size_t(sets.find(i))];
    if (h < 0 || degrees[i] > degrees[h]) h = i;
  }
  std::vector<int> number(static_cast<size_t>(n));  // of the set, at its hub
  int count = 0;
  for (int i = 0; i < n; i++)
    if (hub[size_t(sets.find(i))] == i) {
      number[size_t(i)] = count;
      hubs[count++] = i;
    }
  for (int i = 0; i < n; i++) labels[i] = number[size_t(hub[size_t(sets.find(i))])];
  return count;
}

}  // namespace vtok
