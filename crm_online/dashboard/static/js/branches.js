// The tree of segments, cut where so many branches are left.

/** The ids of each branch: the nearest segments are together, until there are at most so many branches. */
export function branches({ leaves, linkage }, most) {
  const parts = new Map(leaves.map((id, leaf) => [leaf, [id]]));
  linkage.slice(0, Math.max(0, leaves.length - most)).forEach(([one, other], step) => {
    parts.set(leaves.length + step, [...parts.get(one), ...parts.get(other)]);
    parts.delete(one);
    parts.delete(other);
  });
  return [...parts.values()];
}
