/// <summary>Uses what .NET Standard 2.1 does not have, to see that Foreign.cs notices.</summary>
public static class Later
{
    public static string Json() => System.Text.Json.JsonSerializer.Serialize(1);
}
