using System;
using System.Collections.Generic;
using NUnit.Framework;

namespace DialogueServer.Tests
{
    public static class GameStateTests
    {
        [Test]
        public static void A_patch_makes_the_new_state_out_of_the_old_one()
        {
            var random = new Random(7);
            int patched = 0;
            for (int round = 0; round < 2000; round++)
            {
                Dictionary<string, object> before = Some(random, 3);
                Dictionary<string, object> after = Some(random, 3);
                Dictionary<string, object> patch = GameState.Patch(before, after);
                if (patch == null) continue;
                patched++;
                Merge(before, patch);
                Assert.That(GameState.Patch(before, after), Is.Empty, "round " + round);
            }
            Assert.That(patched, Is.GreaterThan(200));
        }

        [Test]
        public static void Nothing_changed_is_an_empty_patch()
        {
            var state = new Dictionary<string, object> { ["gold"] = 3, ["bag"] = new[] { "rope" }, ["quest"] = new Dictionary<string, object> { ["stage"] = 2 } };
            Assert.That(GameState.Patch(GameState.Copy(state), GameState.Copy(state)), Is.Empty);
        }

        [Test]
        public static void Only_the_difference_is_in_a_patch_and_null_removes()
        {
            var before = GameState.Copy(new Dictionary<string, object> { ["a"] = 1, ["b"] = 2, ["in"] = new Dictionary<string, object> { ["x"] = 1, ["y"] = 2 } });
            var after = GameState.Copy(new Dictionary<string, object> { ["a"] = 1, ["in"] = new Dictionary<string, object> { ["x"] = 5, ["y"] = 2 } });
            Dictionary<string, object> patch = GameState.Patch(before, after);
            Assert.That(patch.Keys, Is.EquivalentTo(new[] { "b", "in" }));
            Assert.That(patch["b"], Is.Null);
            Assert.That(((Dictionary<string, object>)patch["in"]).Keys, Is.EquivalentTo(new[] { "x" }));
        }

        [Test]
        public static void A_null_value_needs_a_snapshot()
        {
            var after = new Dictionary<string, object> { ["held"] = null };
            Assert.That(GameState.Patch(new Dictionary<string, object>(), after), Is.Null);
        }

        [Test]
        public static void A_copy_does_not_change_with_the_game()
        {
            var bag = new List<object> { "rope" };
            Dictionary<string, object> copy = GameState.Copy(new Dictionary<string, object> { ["bag"] = bag });
            bag.Add("lamp");
            Assert.That(((List<object>)copy["bag"]).Count, Is.EqualTo(1));
            Assert.Throws<ArgumentException>(() => GameState.Copy(new Dictionary<string, object> { ["x"] = new object() }));
        }

        private static Dictionary<string, object> Some(Random random, int depth)
        {
            var map = new Dictionary<string, object>();
            for (int count = random.Next(4); count > 0; count--)
            {
                string key = "abcd"[random.Next(4)].ToString();
                switch (random.Next(depth > 0 ? 5 : 3))
                {
                    case 0: map[key] = (long)random.Next(3); break;
                    case 1: map[key] = "s" + random.Next(3); break;
                    case 2: map[key] = new List<object> { (long)random.Next(2), null }; break;
                    default: map[key] = Some(random, depth - 1); break;
                }
            }
            return map;
        }

        /// <summary>RFC 7396, word for word.</summary>
        private static void Merge(Dictionary<string, object> target, Dictionary<string, object> patch)
        {
            foreach (KeyValuePair<string, object> pair in patch)
            {
                if (pair.Value == null) target.Remove(pair.Key);
                else if (pair.Value is Dictionary<string, object> inner)
                {
                    if (!(target.TryGetValue(pair.Key, out object old) && old is Dictionary<string, object> map))
                        target[pair.Key] = map = new Dictionary<string, object>();
                    Merge(map, inner);
                }
                else target[pair.Key] = pair.Value;
            }
        }
    }
}
