using System;
using System.Buffers.Binary;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace DialogueServer.Protocol
{
    /// <summary>
    /// Writes msgpack in its shortest form into one buffer that it keeps and reuses.
    /// </summary>
    public sealed class MsgpackWriter
    {
        private const int MaxDepth = 64;
        private static readonly UTF8Encoding Utf8 = new UTF8Encoding(false, true);
        private byte[] _buffer = new byte[256];
        private int _length;

        /// <summary>Starts again; what was written is forgotten.</summary>
        public void Clear() => _length = 0;

        /// <summary>A copy of what was written.</summary>
        public byte[] ToArray() => _buffer.AsSpan(0, _length).ToArray();

        public int Length => _length;

        public void WriteNil() => Reserve(1)[0] = 0xc0;

        public void WriteBoolean(bool value) => Reserve(1)[0] = value ? (byte)0xc3 : (byte)0xc2;

        public void WriteInteger(long value)
        {
            if (value >= 0)
            {
                if (value < 0x80) Reserve(1)[0] = (byte)value;
                else if (value <= byte.MaxValue) WriteBig(0xcc, (ulong)value, 1);
                else if (value <= ushort.MaxValue) WriteBig(0xcd, (ulong)value, 2);
                else if (value <= uint.MaxValue) WriteBig(0xce, (ulong)value, 4);
                else WriteBig(0xcf, (ulong)value, 8);
            }
            else if (value >= -32) Reserve(1)[0] = (byte)value;
            else if (value >= sbyte.MinValue) WriteBig(0xd0, (ulong)value, 1);
            else if (value >= short.MinValue) WriteBig(0xd1, (ulong)value, 2);
            else if (value >= int.MinValue) WriteBig(0xd2, (ulong)value, 4);
            else WriteBig(0xd3, (ulong)value, 8);
        }

        public void WriteDouble(double value)
        {
            if (double.IsNaN(value) || double.IsInfinity(value))
                throw new ArgumentException("NaN and infinity have no place in a message; send null instead.");
            WriteBig(0xcb, (ulong)BitConverter.DoubleToInt64Bits(value), 8);
        }

        public void WriteString(string value)
        {
            if (value == null)
                throw new ArgumentNullException(nameof(value), "A string of a message must not be null; use \"\".");
            int size;
            try
            {
                size = Utf8.GetByteCount(value);
            }
            catch (EncoderFallbackException)
            {
                throw new ArgumentException(
                    "The text has half of a surrogate pair: cut strings between characters, not inside them.");
            }
            if (size < 32) Reserve(1)[0] = (byte)(0xa0 | size);
            else if (size <= byte.MaxValue) WriteBig(0xd9, (ulong)size, 1);
            else if (size <= ushort.MaxValue) WriteBig(0xda, (ulong)size, 2);
            else WriteBig(0xdb, (ulong)size, 4);
            Utf8.GetBytes(value.AsSpan(), Reserve(size));
        }

        public void WriteArrayHeader(int count)
        {
            if (count < 16) Reserve(1)[0] = (byte)(0x90 | count);
            else if (count <= ushort.MaxValue) WriteBig(0xdc, (ulong)count, 2);
            else WriteBig(0xdd, (ulong)count, 4);
        }

        public void WriteMapHeader(int count)
        {
            if (count < 16) Reserve(1)[0] = (byte)(0x80 | count);
            else if (count <= ushort.MaxValue) WriteBig(0xde, (ulong)count, 2);
            else WriteBig(0xdf, (ulong)count, 4);
        }

        public void WriteStrings(string[] values)
        {
            WriteArrayHeader(values.Length);
            foreach (string value in values) WriteString(value);
        }

        /// <summary>
        /// A map of JSON values: null, bool, any integer, float or double, string, enum (by name),
        /// any list and any map with string keys. Throws ArgumentException for anything else.
        /// </summary>
        public void WriteObject(Dictionary<string, object> map) => WriteMap(map, MaxDepth);

        private void WriteMap(Dictionary<string, object> map, int depth)
        {
            WriteMapHeader(map.Count);
            foreach (KeyValuePair<string, object> pair in map)
            {
                WriteString(pair.Key);
                WriteValue(pair.Value, depth);
            }
        }

        private void WriteValue(object value, int depth)
        {
            switch (value)
            {
                case null: WriteNil(); break;
                case string text: WriteString(text); break;
                case bool flag: WriteBoolean(flag); break;
                case double number: WriteDouble(number); break;
                case float number: WriteDouble(number); break;
                case decimal number: WriteDouble((double)number); break;
                case Enum name: WriteString(name.ToString()); break;
                case ulong number: WriteInteger(checked((long)number)); break;
                case int number: WriteInteger(number); break;
                case long number: WriteInteger(number); break;
                case byte _: case sbyte _: case short _: case ushort _: case uint _:
                    WriteInteger(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
                case Dictionary<string, object> map: WriteMap(map, Deeper(depth)); break;
                case IDictionary map: WriteAnyMap(map, Deeper(depth)); break;
                case ICollection list: WriteList(list, Deeper(depth)); break;
                default:
                    throw new ArgumentException(
                        value.GetType().Name + " is no JSON value: use null, bool, numbers, strings, lists and "
                        + "dictionaries with string keys.");
            }
        }

        private void WriteAnyMap(IDictionary map, int depth)
        {
            WriteMapHeader(map.Count);
            foreach (DictionaryEntry entry in map)
            {
                WriteString(entry.Key as string ?? throw new ArgumentException(
                    "A dictionary needs string keys, got " + entry.Key.GetType().Name + "."));
                WriteValue(entry.Value, depth);
            }
        }

        private void WriteList(ICollection list, int depth)
        {
            WriteArrayHeader(list.Count);
            foreach (object item in list) WriteValue(item, depth);
        }

        private static int Deeper(int depth) => depth > 0
            ? depth - 1
            : throw new ArgumentException("The value nests deeper than " + MaxDepth + " levels, or contains itself.");

        private void WriteBig(byte head, ulong value, int size)
        {
            Span<byte> target = Reserve(size + 1);
            target[0] = head;
            target = target.Slice(1);
            switch (size)
            {
                case 1: target[0] = (byte)value; break;
                case 2: BinaryPrimitives.WriteUInt16BigEndian(target, (ushort)value); break;
                case 4: BinaryPrimitives.WriteUInt32BigEndian(target, (uint)value); break;
                default: BinaryPrimitives.WriteUInt64BigEndian(target, value); break;
            }
        }

        private Span<byte> Reserve(int size)
        {
            if (_length + size > _buffer.Length)
                Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + size));
            _length += size;
            return _buffer.AsSpan(_length - size, size);
        }
    }
}
