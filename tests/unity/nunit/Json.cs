using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;

namespace DialogueServer.Tests
{
    /// <summary>
    /// JSON to and from null, bool, long, double, string, List and Dictionary. For the vectors.
    /// </summary>
    public sealed class Json
    {
        private readonly string _text;
        private int _at;

        private Json(string text) => _text = text;

        public static object Parse(string text) => new Json(text).Document();

        public static object Load(string path) => Parse(File.ReadAllText(path));

        /// <summary>One line with sorted keys: equal values give equal text.</summary>
        public static string Text(object value)
        {
            var text = new StringBuilder();
            Append(text, value);
            return text.ToString();
        }

        private static void Append(StringBuilder text, object value)
        {
            switch (value)
            {
                case null: text.Append("null"); break;
                case bool flag: text.Append(flag ? "true" : "false"); break;
                case string s: AppendString(text, s); break;
                case double number: text.Append(number.ToString("R", CultureInfo.InvariantCulture)); break;
                case Dictionary<string, object> map:
                    string separator = "{";
                    foreach (string key in new SortedSet<string>(map.Keys, StringComparer.Ordinal))
                    {
                        text.Append(separator);
                        AppendString(text, key);
                        text.Append(':');
                        Append(text, map[key]);
                        separator = ",";
                    }
                    text.Append(map.Count == 0 ? "{}" : "}");
                    break;
                case List<object> list:
                    text.Append('[');
                    for (int index = 0; index < list.Count; index++)
                    {
                        if (index > 0) text.Append(',');
                        Append(text, list[index]);
                    }
                    text.Append(']');
                    break;
                default: text.Append(Convert.ToString(value, CultureInfo.InvariantCulture)); break;
            }
        }

        private static void AppendString(StringBuilder text, string value)
        {
            text.Append('"');
            foreach (char c in value)
                if (c == '"' || c == '\\' || c < ' ' || c > '~')
                    text.Append("\\u").Append(((int)c).ToString("x4"));
                else
                    text.Append(c);
            text.Append('"');
        }

        private object Document()
        {
            object value = Value();
            Space();
            if (_at != _text.Length) throw Bad();
            return value;
        }

        private object Value()
        {
            Space();
            char c = _text[_at];
            if (c == '{') return Map();
            if (c == '[') return List();
            if (c == '"') return String();
            if (Word("null")) return null;
            if (Word("true")) return true;
            if (Word("false")) return false;
            int start = _at;
            while (_at < _text.Length && "+-.0123456789eE".IndexOf(_text[_at]) >= 0) _at++;
            string number = _text.Substring(start, _at - start);
            if (number.Length == 0) throw Bad();
            return number.IndexOfAny(new[] { '.', 'e', 'E' }) < 0
                ? (object)long.Parse(number, CultureInfo.InvariantCulture)
                : double.Parse(number, CultureInfo.InvariantCulture);
        }

        private Dictionary<string, object> Map()
        {
            var map = new Dictionary<string, object>();
            _at++;
            for (Space(); _text[_at] != '}'; Space())
            {
                string key = String();
                Space();
                if (_text[_at++] != ':') throw Bad();
                map[key] = Value();
                Space();
                if (_text[_at] == ',') { _at++; Space(); }
            }
            _at++;
            return map;
        }

        private List<object> List()
        {
            var list = new List<object>();
            _at++;
            for (Space(); _text[_at] != ']'; Space())
            {
                list.Add(Value());
                Space();
                if (_text[_at] == ',') _at++;
            }
            _at++;
            return list;
        }

        private string String()
        {
            if (_text[_at++] != '"') throw Bad();
            var text = new StringBuilder();
            for (; _text[_at] != '"'; _at++)
            {
                if (_text[_at] != '\\') { text.Append(_text[_at]); continue; }
                char c = _text[++_at];
                if (c == 'u')
                {
                    text.Append((char)ushort.Parse(_text.Substring(_at + 1, 4), NumberStyles.HexNumber));
                    _at += 4;
                }
                else
                {
                    int index = "nrtbf".IndexOf(c);
                    text.Append(index < 0 ? c : "\n\r\t\b\f"[index]);
                }
            }
            _at++;
            return text.ToString();
        }

        private bool Word(string word)
        {
            if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0) return false;
            _at += word.Length;
            return true;
        }

        private void Space()
        {
            while (_at < _text.Length && char.IsWhiteSpace(_text[_at])) _at++;
        }

        private FormatException Bad() => new FormatException("not JSON at " + _at);
    }
}
