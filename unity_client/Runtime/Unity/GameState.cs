using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;

namespace DialogueServer
{
    /// <summary>Copies and differences of the game's state, as JSON values.</summary>
    public static class GameState
    {
        /// <summary>
        /// A copy that shares nothing with the original, in the types that the wire gives back:
        /// null, bool, long, double, string, List and Dictionary.
        /// </summary>
        public static Dictionary<string, object> Copy(IDictionary state)
        {
            var copy = new Dictionary<string, object>(state.Count);
            foreach (DictionaryEntry entry in state)
                copy[entry.Key as string ?? throw new ArgumentException("The state needs string keys.")] =
                    CopyValue(entry.Value);
            return copy;
        }

        internal static Dictionary<string, object> CopyOrNull(IDictionary data) => data == null ? null : Copy(data);

        /// <summary>
        /// The JSON Merge Patch (RFC 7396) that makes <paramref name="after"/> out of
        /// <paramref name="before"/>; both are copies. Null where a patch cannot say it: a null
        /// inside a new value would remove the key. Empty where nothing has changed.
        /// </summary>
        public static Dictionary<string, object> Patch(
            Dictionary<string, object> before, Dictionary<string, object> after)
        {
            var patch = new Dictionary<string, object>();
            foreach (string key in before.Keys)
                if (!after.ContainsKey(key)) patch[key] = null;
            foreach (KeyValuePair<string, object> pair in after)
            {
                bool known = before.TryGetValue(pair.Key, out object old);
                if (known && Same(old, pair.Value)) continue;
                if (pair.Value is Dictionary<string, object> map && old is Dictionary<string, object> oldMap)
                {
                    Dictionary<string, object> inner = Patch(oldMap, map);
                    if (inner == null) return null;
                    patch[pair.Key] = inner;
                }
                else if (HoldsNull(pair.Value))
                {
                    return null;
                }
                else
                {
                    patch[pair.Key] = pair.Value;
                }
            }
            return patch;
        }

        private static object CopyValue(object value)
        {
            switch (value)
            {
                case null: case string _: case bool _: case long _: case double _: return value;
                case float number: return (double)number;
                case decimal number: return (double)number;
                case Enum name: return name.ToString();
                case IDictionary map: return Copy(map);
                case ICollection list:
                    var copy = new List<object>(list.Count);
                    foreach (object item in list) copy.Add(CopyValue(item));
                    return copy;
                case IConvertible number: return number.ToInt64(CultureInfo.InvariantCulture);
                default:
                    throw new ArgumentException(
                        "The state holds a " + value.GetType().Name + "; it may hold null, bool, numbers, strings, "
                        + "lists and dictionaries with string keys.");
            }
        }

        private static bool Same(object a, object b)
        {
            if (a is Dictionary<string, object> map && b is Dictionary<string, object> other)
            {
                if (map.Count != other.Count) return false;
                foreach (KeyValuePair<string, object> pair in map)
                    if (!other.TryGetValue(pair.Key, out object value) || !Same(pair.Value, value)) return false;
                return true;
            }
            if (a is List<object> list && b is List<object> otherList)
            {
                if (list.Count != otherList.Count) return false;
                for (int index = 0; index < list.Count; index++)
                    if (!Same(list[index], otherList[index])) return false;
                return true;
            }
            return Equals(a, b);
        }

        /// <summary>Whether a merge would drop something. Nulls inside lists stay.</summary>
        private static bool HoldsNull(object value)
        {
            if (value == null) return true;
            if (!(value is Dictionary<string, object> map)) return false;
            foreach (object item in map.Values)
                if (HoldsNull(item)) return true;
            return false;
        }
    }
}
