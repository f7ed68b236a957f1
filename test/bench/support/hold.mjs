/** Runs `work`, and then stops all that it held, in reverse order. (Node 20 knows no `await using` yet.) */
export async function holding(work) {
  const held = [];
  try {
    return await work((thing) => {
      held.unshift(thing);
      return thing;
    });
  } finally {
    for (const thing of held) await thing.stop();
  }
}
